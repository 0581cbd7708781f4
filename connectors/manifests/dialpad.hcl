# Dialpad: numbers of people and their emergency addresses. No description of the interface stands beside this project: what the
# catalogue does not say is marked recalled.
manifest "dialpad" {
  title  = "Dialpad"
  domain = "communications"

  auth "bearer" { part = "api_key" }

  headers = { accept = "application/json" }

  limit "company" {
    rate    = 20
    per     = "1s"
    reserve = 5
  }

  message = coalesce(response.body.error.message, response.body.message)

  error "absent" { when = response.status == 404 && response.body.error != null }
  error "conflict" { when = response.status == 409 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A number among those of a person.
  lookup "number" {
    inputs = {
      user   = "text"
      number = "text"
    }
    get           = "/api/v2/users/{user}"
    absent        = response.body.id != null && !contains(list(response.body.phone_numbers), input.number)
    present       = contains(response.body.phone_numbers, input.number)
    value         = "member"
    authoritative = true
  }

  lookup "emergency_address" {
    inputs = { user = "text" }
    get    = "/api/v2/users/{user}/e911"
    error "absent" { when = response.status == 404 && response.body.error != null }
    present = response.body.address != null
    value   = join([response.body.address, response.body.city, response.body.state, response.body.zip, response.body.country], ", ")
    outputs = {
      address = response.body.address
      city    = response.body.city
      state   = response.body.state
      zip     = response.body.zip
      country = response.body.country
    }
    authoritative = true
  }

  awf "assign_number" {
    achieves = "create"
    inputs = {
      user   = "text"
      number = "text"
    }
    locks    = ["number:{number}"]
    personal = ["number"]
    evidence = "vendor spec; that an assigned number is refused is recalled"

    post = "/api/v2/users/{user}/assign_number"
    json = { number = input.number }

    lookup "number" {}
    # A number belongs to one person: it cannot be assigned twice.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "unassign_number" {
      with = {
        user   = input.user
        number = input.number
      }
    }
  }

  awf "unassign_number" {
    achieves = "remove"
    inputs = {
      user   = "text"
      number = "text"
    }
    locks    = ["number:{number}"]
    personal = ["number"]
    evidence = "vendor spec"

    post = "/api/v2/users/{user}/unassign_number"
    json = { number = input.number }

    lookup "number" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "assign_number" {
      with = {
        user   = input.user
        number = input.number
      }
      loss = "calls and messages of the time between are lost, and a number that returned to the pool may be taken"
    }
  }

  awf "set_e911_address" {
    achieves = "update"
    inputs = {
      user    = "text"
      address = "text"
      city    = "text"
      state   = "text"
      zip     = "text"
      country = "text"
    }
    personal = ["address", "city", "state", "zip", "country"]
    locks    = ["e911:{user}"]
    evidence = "vendor spec; the members of the answer are recalled"

    put = "/api/v2/users/{user}/e911"
    json = {
      address = input.address
      city    = input.city
      state   = input.state
      zip     = input.zip
      country = input.country
    }

    lookup "emergency_address" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "set_e911_address" {
      with = {
        user    = input.user
        address = snapshot.address
        city    = snapshot.city
        state   = snapshot.state
        zip     = snapshot.zip
        country = snapshot.country
      }
    }
  }

  read "users" {
    kind     = "user"
    get      = "/api/v2/users"
    query    = { cursor = page.cursor }
    evidence = "vendor spec; the members are recalled"
    items    = list(response.body.items)
    page "cursor" { next = response.body.cursor }
    id = item.id
    text {
      email      = first(item.emails)
      first_name = item.first_name
      last_name  = item.last_name
      state      = item.state
      office     = item.office_id
    }
    texts { numbers = item.phone_numbers }
  }
}
