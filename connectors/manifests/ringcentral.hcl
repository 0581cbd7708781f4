# RingCentral: extensions and the addresses that emergency calls are answered from. An extension's number is unique in its account;
# one that was deleted frees it, one that is disabled keeps it.
manifest "ringcentral" {
  title  = "RingCentral"
  domain = "communications"

  var "token_url" {
    type    = "text"
    default = "https://platform.ringcentral.com/restapi/oauth/token"
    about   = "the token endpoint"
  }

  var "account" {
    type    = "text"
    default = "~"
    about   = "the id of the account; `~` is the one of the credential"
  }

  hosts = ["platform.ringcentral.com"]

  auth "oauth2_jwt_bearer" {
    token_url = "var:token_url"
    assertion = "part:jwt"
  }

  headers = { accept = "application/json" }

  limit "heavy" {
    rate      = 10
    per       = "1m"
    reserve   = 20
    remaining = "x-rate-limit-remaining"
  }

  message = response.body.message

  error "absent" { when = response.status == 404 && contains(["CMN-102"], response.body.errorCode) }
  error "rate_limited" { when = response.body.errorCode == "CMN-301" }
  error "auth_expired" { when = contains(["OAU-213", "OAU-129"], response.body.errorCode) }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # The extension of a number, among all: a number that no extension has is free.
  lookup "extension_of_number" {
    inputs = { number = "text" }
    get    = "/restapi/v1.0/account/{var.account}/extension"
    query = {
      extensionNumber = input.number
      page            = page.number
      perPage         = 100
    }
    items   = response.body.records
    where   = item.extensionNumber == input.number
    value   = item.status == "Disabled" ? "disabled" : "present"
    outputs = {
      id     = item.id
      status = item.status
    }
    page "number" { last = response.body.paging.totalPages }
    authoritative = true
  }

  # An extension that can be used.
  lookup "usable_extension" {
    inputs = { extension = "text" }
    get    = "/restapi/v1.0/account/{var.account}/extension/{extension}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "CMN-102" }
    absent        = text(response.body.id) == input.extension && contains(["Disabled", "Frozen"], response.body.status)
    present       = text(response.body.id) == input.extension && response.body.status != null
    value         = "enabled"
    outputs       = { status = response.body.status }
    authoritative = true
  }

  lookup "location_of_name" {
    inputs = { name = "text" }
    get    = "/restapi/v1.0/account/{var.account}/emergency-locations"
    query = {
      page    = page.number
      perPage = 100
    }
    items         = response.body.records
    where         = item.name == input.name
    outputs       = { location = item.id }
    page "number" { last = response.body.paging.totalPages }
    authoritative = true
  }

  lookup "location" {
    inputs = { location = "text" }
    get    = "/restapi/v1.0/account/{var.account}/emergency-locations/{location}"
    error "absent" { when = response.status == 404 && response.body.errorCode == "CMN-102" }
    present = text(response.body.id) == input.location
    outputs = {
      name    = response.body.name
      street  = response.body.address.street
      city    = response.body.address.city
      state   = response.body.address.state
      zip     = response.body.address.zip
      country = response.body.address.country
    }
    authoritative = true
  }

  awf "create_extension" {
    achieves = "create"
    inputs = {
      number     = "text"
      first_name = "text"
      last_name  = "text"
      email      = "text"
    }
    personal = ["first_name", "last_name", "email"]
    outputs  = { id = "text" }
    locks    = ["extension:{number}"]
    evidence = "vendor spec; the words of the failures are recalled"

    post = "/restapi/v1.0/account/{var.account}/extension"
    json = {
      type            = "User"
      extensionNumber = input.number
      contact = {
        firstName = input.first_name
        lastName  = input.last_name
        email     = input.email
      }
    }
    capture = { id = response.body.id }

    lookup "extension_of_number" {}
    # A number is one extension's: a second creation with it is refused.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "3s"
    }
    undo "disable_extension" {
      with = { extension = output.id }
      loss = "the extension remains, disabled, and keeps its number"
    }
  }

  awf "enable_extension" {
    achieves = "create"
    inputs   = { extension = "text" }
    evidence = "vendor spec"

    put  = "/restapi/v1.0/account/{var.account}/extension/{extension}"
    json = { status = "Enabled" }

    lookup "usable_extension" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "3s"
    }
    undo "disable_extension" { with = { extension = input.extension } }
  }

  awf "disable_extension" {
    achieves = "remove"
    inputs   = { extension = "text" }
    evidence = "vendor spec"

    put  = "/restapi/v1.0/account/{var.account}/extension/{extension}"
    json = { status = "Disabled" }

    lookup "usable_extension" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "3s"
    }
    undo "enable_extension" {
      with = { extension = input.extension }
      loss = "calls of the time between are lost, and an extension that was not activated yet is enabled"
    }
  }

  awf "set_emergency_location" {
    achieves = "create"
    inputs = {
      name    = "text"
      street  = "text"
      city    = "text"
      state   = "text"
      zip     = "text"
      country = "text"
    }
    outputs  = { location = "text" }
    locks    = ["location:{name}"]
    evidence = "vendor spec; the members of the address are recalled"

    post = "/restapi/v1.0/account/{var.account}/emergency-locations"
    json = {
      name = input.name
      address = {
        street  = input.street
        city    = input.city
        state   = input.state
        zip     = input.zip
        country = input.country
      }
    }
    capture = { location = response.body.id }

    lookup "location_of_name" {}
    # Nothing forbids two locations of one name: a second is made only when several complete lists agree that there is none.
    ambiguous "probe" {
      window   = "60s"
      agreeing = 3
    }
    readback {
      within = "2m"
      every  = "3s"
    }
    undo "delete_emergency_location" { with = { location = output.location } }
  }

  awf "delete_emergency_location" {
    achieves = "remove"
    inputs   = { location = "text" }
    evidence = "vendor spec"

    delete = "/restapi/v1.0/account/{var.account}/emergency-locations/{location}"

    lookup "location" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "3s"
    }
    undo "set_emergency_location" {
      with = {
        name    = snapshot.name
        street  = snapshot.street
        city    = snapshot.city
        state   = snapshot.state
        zip     = snapshot.zip
        country = snapshot.country
      }
      loss = "the location has another id: devices that pointed at it must be pointed at the new one"
    }
  }

  read "extensions" {
    kind = "extension"
    get  = "/restapi/v1.0/account/{var.account}/extension"
    query = {
      page    = page.number
      perPage = 1000
    }
    evidence = "vendor spec"
    items    = response.body.records
    page "number" { last = response.body.paging.totalPages }
    id = item.id
    text {
      number = item.extensionNumber
      name   = item.name
      email  = item.contact.email
      status = item.status
      type   = item.type
    }
  }
}
