# The directory: accounts and memberships.
manifest "dir" {
  title  = "Directory"
  domain = "identity"

  auth "none" {}

  lookup "account" {
    inputs = { login = "text" }
    get    = "/users/{login}"
    error "absent" { when = response.status == 404 }
    value         = response.body.state
    outputs       = { id = response.body.id }
    authoritative = true
  }

  lookup "account_by_id" {
    inputs = { id = "text" }
    get    = "/users/by-id/{id}"
    error "absent" { when = response.status == 404 }
    value         = response.body.state
    authoritative = true
  }

  lookup "membership" {
    inputs = {
      user  = "text"
      group = "text"
    }
    get = "/groups/{group}/{user}"
    error "absent" { when = response.status == 404 }
    value         = "member"
    authoritative = true
  }

  awf "create_account" {
    achieves = "create"
    inputs = {
      login = "text"
      name  = "text"
    }
    personal = ["login", "name"]
    optional = ["name"]
    outputs  = { id = "text" }
    evidence = "made up"

    post    = "/users"
    json    = { login = input.login, name = input.name }
    capture = { id = response.body.id }
    lookup "account" {}
    ambiguous "probe" {
      window = "5s"
      unique = true
    }
    readback { within = "60s" }
    undo "disable_account" {
      with = { id = output.id }
      loss = "the account remains, disabled"
    }
  }

  awf "disable_account" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "made up"

    delete = "/users/by-id/{id}"
    lookup "account_by_id" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "enable_account" { with = { id = input.id } }
  }

  awf "enable_account" {
    achieves = "create"
    inputs   = { id = "text" }
    evidence = "made up"

    put  = "/users/by-id/{id}"
    lookup "account_by_id" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "disable_account" { with = { id = input.id } }
  }

  awf "add_member" {
    achieves = "create"
    inputs = {
      user   = "text"
      group  = "text"
      ticket = "text"
    }
    optional = ["ticket"]
    evidence = "made up"

    put  = "/groups/{group}/{user}"
    json = { ticket = input.ticket }
    lookup "membership" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "remove_member" {
      with = {
        user  = input.user
        group = input.group
      }
    }
  }

  awf "remove_member" {
    achieves = "remove"
    inputs = {
      user  = "text"
      group = "text"
    }
    evidence = "made up"

    delete = "/groups/{group}/{user}"
    lookup "membership" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "add_member" {
      with = {
        user  = input.user
        group = input.group
      }
    }
  }

  read "users" {
    kind     = "user"
    get      = "/users"
    evidence = "made up"
    items    = response.body
    id       = item.id
    text { login = item.login }
  }
}
