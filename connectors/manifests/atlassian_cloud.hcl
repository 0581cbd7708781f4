# Atlassian: groups (which carry the licences), roles in projects, people of a site. Facts: the catalogue of calls; members and
# answers are recalled. The organisation's directory has an address of its own and a key of its own.
manifest "atlassian_cloud" {
  title   = "Atlassian cloud"
  domain  = "software"
  extends = "atlassian"

  var "admin_url" {
    type    = "text"
    default = "https://api.atlassian.com/admin"
    about   = "where the organisation's directory is spoken to"
  }

  var "organization" {
    type  = "text"
    about = "the organisation's id"
  }

  var "directory" {
    type  = "text"
    about = "the id of the directory whose people are managed"
  }

  # By a site: the family's way. This one is for the organisation.
  auth "basic" {
    username = "email"
    password = "api_token"
  }

  auth "bearer" {
    paths = ["/v1/orgs/", "/v2/orgs/"]
    part  = "admin_key"
  }

  # The organisation's own errors have another shape: `{ errors: [{ status, code, title, detail }] }`.
  error "absent" { when = response.status == 404 && response.body.errors[0].code != null }

  # A member of a group, switched on or off.
  lookup "membership" {
    inputs = {
      group = "text"
      user  = "text"
    }
    get = "/rest/api/3/group/member"
    query = {
      groupId              = input.group
      includeInactiveUsers = true
      startAt              = page.offset
      maxResults           = 50
    }
    items         = response.body.values
    where         = item.accountId == input.user
    value         = "member"
    authoritative = true
    page "offset" {
      size  = 50
      total = response.body.total
    }
  }

  # Somebody in a role of a project, singly or not at all: who has it by a group is not listed here.
  lookup "actor" {
    inputs = {
      project = "text"
      role    = "text"
      user    = "text"
    }
    get           = "/rest/api/3/project/{project}/role/{role}"
    items         = list(response.body.actors)
    where         = item.type != "atlassian-group-role-actor" && item.actorUser.accountId == input.user
    value         = "member"
    authoritative = true
  }

  # The search also finds parts of an address, and who hides it is not found.
  lookup "account_of_email" {
    inputs = { email = "text" }
    get    = "/rest/api/3/user/search"
    query = {
      query      = input.email
      startAt    = page.offset
      maxResults = 50
    }
    evidence      = "recalled: the search for people"
    items         = response.body
    where         = lower(item.emailAddress) == lower(input.email)
    value         = item.active == false ? "disabled" : "present"
    outputs       = { user = item.accountId }
    authoritative = true
    page "offset" { size = 50 }
  }

  lookup "account" {
    inputs = { user = "text" }
    get    = "/rest/api/3/user"
    query  = { accountId = input.user }
    error "absent" { when = response.status == 404 && response.body.errorMessages != null }
    absent        = response.body.active == false
    present       = response.body.accountId == input.user
    outputs       = { email = response.body.emailAddress }
    authoritative = true
  }

  # Somebody of the directory, by the address.
  lookup "directory_user_of_email" {
    inputs = { email = "text" }
    base   = "var:admin_url"
    get    = "/v2/orgs/{var.organization}/directories/{var.directory}/users"
    query = {
      limit  = 100
      cursor = page.cursor
    }
    evidence      = "recalled: the members of the listing"
    items         = response.body.data
    where         = lower(item.email) == lower(input.email)
    outputs       = { user = item.accountId }
    authoritative = true
    page "cursor" { next = response.body.links.next }
  }

  lookup "directory_user" {
    inputs   = { user = "text" }
    base     = "var:admin_url"
    get      = "/v2/orgs/{var.organization}/directories/{var.directory}/users/{user}"
    evidence = "recalled: the members of the answer"
    error "absent" { when = response.status == 404 && response.body.errors[0].code != null }
    present       = response.body.data.accountId == input.user
    outputs       = { email = response.body.data.email }
    authoritative = true
  }

  lookup "suspension" {
    inputs        = { user = "text" }
    base          = "var:admin_url"
    get           = "/v2/orgs/{var.organization}/directories/{var.directory}/users/{user}"
    evidence      = "recalled: the members of the answer"
    absent        = response.body.data.status == "active"
    present       = response.body.data.status == "suspended"
    value         = "suspended"
    authoritative = true
  }

  # A role of somebody for a product of a site.
  lookup "role_assignment" {
    inputs = {
      user     = "text"
      role     = "text"
      resource = "text"
    }
    base = "var:admin_url"
    get  = "/v2/orgs/{var.organization}/directories/{var.directory}/users/{user}/role-assignments"
    query = {
      limit  = 100
      cursor = page.cursor
    }
    evidence      = "recalled: the members of the listing"
    items         = response.body.data
    where         = item.resourceId == input.resource && contains(item.roles, input.role)
    value         = "granted"
    authoritative = true
    page "cursor" { next = response.body.links.next }
  }

  awf "add_to_group" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    evidence = "vendor spec by the catalogue; members and the words of a refusal are recalled"

    post  = "/rest/api/3/group/user"
    query = { groupId = input.group }
    json  = { accountId = input.user }
    error "already_done" { when = response.status == 400 && contains(lower(response.text), "already a member") }

    lookup "membership" {}
    # Nobody is in a group twice.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_from_group" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  awf "remove_from_group" {
    achieves = "remove"
    inputs = {
      group = "text"
      user  = "text"
    }
    evidence = "vendor spec by the catalogue; answers are recalled"

    delete = "/rest/api/3/group/user"
    query = {
      groupId   = input.group
      accountId = input.user
    }

    lookup "membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_to_group" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  awf "add_project_role_actor" {
    achieves = "create"
    inputs = {
      project = "text"
      role    = "text"
      user    = "text"
    }
    evidence = "vendor spec by the catalogue; members are recalled"

    post = "/rest/api/3/project/{project}/role/{role}"
    json = { user = [input.user] }

    lookup "actor" {}
    # Nobody has a role twice.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_project_role_actor" {
      with = {
        project = input.project
        role    = input.role
        user    = input.user
      }
    }
  }

  awf "remove_project_role_actor" {
    achieves = "remove"
    inputs = {
      project = "text"
      role    = "text"
      user    = "text"
    }
    evidence = "vendor spec by the catalogue; answers are recalled"

    delete = "/rest/api/3/project/{project}/role/{role}"
    query  = { user = input.user }

    lookup "actor" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_project_role_actor" {
      with = {
        project = input.project
        role    = input.role
        user    = input.user
      }
    }
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      email   = "text"
      product = "text"
    }
    samples  = { product = "jira-software" }
    personal = ["email"]
    outputs  = { user = "text" }
    evidence = "vendor spec by the catalogue; members and answers are recalled"

    post = "/rest/api/3/user"
    json = {
      emailAddress = input.email
      products     = [input.product]
    }
    capture = { user = response.body.accountId }

    lookup "account_of_email" {}
    # An address is one account: who is there already is given the products.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_user_site" {
      with = { user = output.user }
      loss = "the mail has been sent, and the account at Atlassian remains"
    }
  }

  awf "remove_user_site" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec by the catalogue; answers are recalled"

    delete = "/rest/api/3/user"
    query  = { accountId = input.user }

    lookup "account" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "create_user" {
      with = {
        email   = snapshot.email
        product = "jira-software"
      }
      loss = "groups and roles are joined anew, and other products are given anew"
    }
  }

  awf "invite_to_org" {
    achieves = "create"
    inputs = {
      email    = "text"
      role     = "text"
      resource = "text"
    }
    personal = ["email"]
    outputs  = { user = "text" }
    evidence = "vendor spec by the catalogue; members and answers are recalled"

    base = "var:admin_url"
    post = "/v2/orgs/{var.organization}/users/invite"
    json = {
      emails          = [input.email]
      permissionRules = [{ role = input.role, resource = input.resource }]
    }

    lookup "directory_user_of_email" {}
    # An address is one account.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_from_directory" {
      with = { user = output.user }
      loss = "the mail has been sent, and the account at Atlassian remains"
    }
  }

  awf "remove_from_directory" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec by the catalogue; answers are recalled"

    base   = "var:admin_url"
    delete = "/v2/orgs/{var.organization}/directories/{var.directory}/users/{user}"

    lookup "directory_user" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "groups, roles and products of the person are gone; an invitation begins anew"
    forward      = "invite_to_org"
  }

  awf "suspend_directory_user" {
    achieves = "create"
    inputs   = { user = "text" }
    evidence = "vendor spec by the catalogue; answers are recalled"

    base = "var:admin_url"
    post = "/v2/orgs/{var.organization}/directories/{var.directory}/users/{user}/suspend"

    lookup "suspension" {}
    # A switch: a second call changes nothing.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "restore_directory_user" { with = { user = input.user } }
  }

  awf "restore_directory_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "vendor spec by the catalogue; answers are recalled"

    base = "var:admin_url"
    post = "/v2/orgs/{var.organization}/directories/{var.directory}/users/{user}/restore"

    lookup "suspension" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "suspend_directory_user" { with = { user = input.user } }
  }

  awf "grant_product_access" {
    achieves = "create"
    inputs = {
      user     = "text"
      role     = "text"
      resource = "text"
    }
    evidence = "vendor spec by the catalogue; answers are recalled"

    base = "var:admin_url"
    post = "/v1/orgs/{var.organization}/users/{user}/roles/assign"
    json = {
      role     = input.role
      resource = input.resource
    }

    lookup "role_assignment" {}
    # Nobody has a role for a product twice.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "revoke_product_access" {
      with = {
        user     = input.user
        role     = input.role
        resource = input.resource
      }
    }
  }

  awf "revoke_product_access" {
    achieves = "remove"
    inputs = {
      user     = "text"
      role     = "text"
      resource = "text"
    }
    evidence = "vendor spec by the catalogue; answers are recalled"

    base = "var:admin_url"
    post = "/v1/orgs/{var.organization}/users/{user}/roles/revoke"
    json = {
      role     = input.role
      resource = input.resource
    }

    lookup "role_assignment" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "grant_product_access" {
      with = {
        user     = input.user
        role     = input.role
        resource = input.resource
      }
    }
  }

  read "users" {
    kind = "user"
    get  = "/rest/api/3/users/search"
    query = {
      startAt    = page.offset
      maxResults = 200
    }
    evidence = "vendor spec by the catalogue; members are recalled"
    items    = response.body
    page "offset" { size = 200 }
    id = item.accountId
    text {
      name  = item.displayName
      email = item.emailAddress
      type  = item.accountType
    }
    bool { active = item.active }
  }

  read "directory_users" {
    kind = "directory_user"
    base = "var:admin_url"
    get  = "/v2/orgs/{var.organization}/directories/{var.directory}/users"
    query = {
      limit  = 100
      cursor = page.cursor
    }
    evidence = "vendor spec by the catalogue; members are recalled"
    items    = response.body.data
    page "cursor" { next = response.body.links.next }
    id = item.accountId
    text {
      name       = item.name
      email      = item.email
      status     = item.status
      membership = item.membershipStatus
      account    = item.accountStatus
    }
  }
}
