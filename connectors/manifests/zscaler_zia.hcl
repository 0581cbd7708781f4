# Zscaler Internet Access, by the one API: users, and the devices of the Client Connector. A change waits until it is activated,
# for the whole tenant: `activate_changes` does that once for all that waits. A PUT replaces a user: what may be written is
# read before and written back, under a lock. What answers hold is recalled.
manifest "zscaler_zia" {
  title  = "Zscaler Internet Access"
  domain = "identity"

  var "token_url" {
    type  = "text"
    about = "the token endpoint of the own domain, /oauth2/v1/token"
  }

  auth "oauth2_client_credentials" {
    token_url = "var:token_url"
    in_form   = true
    form      = { audience = "https://api.zscaler.com" }
  }

  headers = { accept = "application/json" }

  limit "reads" {
    methods     = ["GET"]
    rate        = 20
    per         = "10s"
    reserve     = 50
    concurrency = 2
  }

  limit "writes" {
    methods     = ["POST", "PUT", "DELETE"]
    rate        = 1
    per         = "1s"
    concurrency = 1
  }

  message = coalesce(response.body.message, response.body.errorMsg, response.body.code)

  error "absent" { when = response.status == 404 && contains(["RESOURCE_NOT_FOUND", "NOT_FOUND"], response.body.code) }
  error "conflict" { when = contains([400, 409], response.status) && contains(["DUPLICATE_ITEM", "EDIT_LOCK_NOT_AVAILABLE"], response.body.code) }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A user by address: the search finds names as well, so each one is judged here.
  lookup "user" {
    inputs = { email = "text" }
    get    = "/zia/api/v1/users"
    query = {
      search   = input.email
      page     = page.number
      pageSize = 1000
    }
    items         = response.body
    where         = lower(item.email) == lower(input.email)
    value         = "present"
    outputs       = { user = text(item.id) }
    marker        = item.comments
    authoritative = true
    page "number" { size = 1000 }
  }

  # A user by id, with everything that may be written back.
  lookup "whole_user" {
    inputs = { user = "text" }
    get    = "/zia/api/v1/users/{user}"
    error "absent" { when = response.status == 404 && contains(["RESOURCE_NOT_FOUND", "NOT_FOUND"], response.body.code) }
    present = text(response.body.id) == input.user
    value   = text(response.body.department.id)
    outputs = {
      name       = response.body.name
      email      = response.body.email
      department = response.body.department.id
    }
    items         = list(response.body.groups)
    gather        = { groups = { id = item.id } }
    authoritative = true
  }

  # A device of a person in the Client Connector.
  lookup "device" {
    inputs = {
      user_name = "text"
      udid      = "text"
    }
    get = "/zcc/papi/public/v1/getDevices"
    query = {
      username = input.user_name
      page     = page.number
      pageSize = 100
    }
    items         = response.body
    where         = item.udid == input.udid
    value         = "enrolled"
    outputs       = { host = item.machineHostname }
    authoritative = true
    page "number" { size = 100 }
  }

  # Addresses are unique: a second creation is refused.
  awf "create_user" {
    achieves = "create"
    inputs = {
      email      = "text"
      name       = "text"
      group      = "int"
      department = "int"
    }
    personal = ["email", "name"]
    outputs  = { user = "text" }
    locks    = ["user:{email}"]
    evidence = "client library; that addresses are unique is recalled"

    post = "/zia/api/v1/users"
    json = {
      name       = input.name
      email      = input.email
      groups     = [{ id = input.group }]
      department = { id = input.department }
      comments   = key
    }
    capture = { user = response.body.id }

    lookup "user" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "delete_user" {
      with = { user = output.user }
      loss = "what was activated meanwhile has been in force"
    }
  }

  # The department changes, and everything else is written back as it was.
  awf "update_user" {
    achieves = "update"
    inputs = {
      user       = "text"
      department = "int"
    }
    locks    = ["user:{user}"]
    evidence = "client library"

    put = "/zia/api/v1/users/{user}"
    json = {
      name       = snapshot.name
      email      = snapshot.email
      department = { id = input.department }
      groups     = snapshot.groups
    }

    lookup "whole_user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "update_user" {
      with = {
        user       = input.user
        department = snapshot.department
      }
    }
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    blast    = 1
    locks    = ["user:{user}"]
    evidence = "client library"

    delete = "/zia/api/v1/users/{user}"

    lookup "whole_user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    irreversible = "the user, their id and what logs knew them by are gone; they are made anew"
    forward      = "create_user"
  }

  awf "remove_client_connector" {
    achieves = "remove"
    inputs = {
      user_name = "text"
      udid      = "text"
    }
    personal = ["user_name"]
    blast    = 1
    evidence = "client library; how devices are listed is recalled"

    post = "/zcc/papi/public/v1/removeDevices"
    json = {
      userName = input.user_name
      udids    = [input.udid]
    }
    ok = response.status == 200 && response.body.errorMsg == null

    lookup "device" {}
    # A device is removed once.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "10s"
    }
    irreversible = "the person enrols the Client Connector anew"
  }

  # What waits is put in force, whoever changed it. Where nothing waits, nothing happens.
  awf "activate_changes" {
    evidence = "unverified: named beside the description of users, without a schema"

    post = "/zia/api/v1/status/activate"
    ok   = response.status == 200 && response.body.status != null

    ambiguous "park" {}
    irreversible = "what is in force is changed back by changing it again, and activating that"
  }

  read "users" {
    kind = "user"
    get  = "/zia/api/v1/users"
    query = {
      page     = page.number
      pageSize = 1000
    }
    evidence = "client library"
    items    = response.body
    page "number" { size = 1000 }
    id = text(item.id)
    text {
      name       = item.name
      email      = item.email
      department = item.department.name
    }
    bool { admin = item.adminUser }
  }
}
