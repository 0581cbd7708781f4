# Atlassian: groups (which carry the licences), roles in projects, people of a site. Facts: the catalogue of calls; members and
# answers are recalled. The organisation's directory is another address with another credential, and is not spoken to here.
manifest "atlassian_cloud" {
  title   = "Atlassian cloud"
  domain  = "software"
  extends = "atlassian"

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
    where         = item.actorUser.accountId == input.user
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
}
