# What xops knows of crm. All words: docs/manifests.md. From an empty file to a tested AWF: docs/connectors.md.
# `xops connectors check crm` tells every mistake; `xops awf render --system crm` shows every request.
manifest "crm" {
  title  = "crm"
  domain = "software"

  # How it wants to be told who asks. The secret itself stands in the tenant's configuration of the system:
  # credential = { token = "env:crm_TOKEN" }
  auth "bearer" {}

  headers = { accept = "application/json" }

  # What the vendor allows; `reserve` percent of it are left to others.
  limit "all" {
    rate    = 60
    per     = "1m"
    reserve = 20
  }

  # The system's own words for a failure, and what its answers mean. The first rule that holds decides; statuses that no rule
  # names mean what they mean in HTTP.
  message = response.body.message
  error "absent" { when = response.status == 404 }

  # How one looks whether it is there. `authoritative`: not finding it proves that it is not.
  lookup "membership" {
    inputs = {
      group = "text"
      user  = "text"
    }
    get           = "/groups/{group}/members"
    query         = { cursor = page.cursor }
    items         = response.body.items
    where         = item.id == input.user
    value         = "member"
    authoritative = true
    page "cursor" { next = response.body.next }
  }

  # A change, with its proof (the lookup, before and after), what follows an answer that never came, and its undo.
  awf "add_to_group" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    personal = ["user"]
    evidence = "unverified: written by hand"

    put = "/groups/{group}/members/{user}"

    lookup "membership" {}
    ambiguous "resend" {}
    readback { within = "60s" }
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
    personal = ["user"]
    evidence = "unverified: written by hand"

    delete = "/groups/{group}/members/{user}"

    lookup "membership" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "add_to_group" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  # All users, page by page: a read is complete when the last page came, and only then proves what is not there.
  read "users" {
    kind     = "user"
    get      = "/users"
    query    = { cursor = page.cursor }
    evidence = "unverified: written by hand"
    items    = response.body.items
    page "cursor" { next = response.body.next }
    id = item.id
    text {
      name  = item.name
      email = item.email
    }
  }
}
