# Adobe User Management: users and product profiles, which are groups by name. A call is a list of commands for users, at most
# ten; each of ours holds one. The answer is 200 also where a command failed: `result` says how it went. Profiles are put
# and taken by name, so that a command sent twice changes nothing.
manifest "adobe_umapi" {
  title  = "Adobe Admin Console"
  domain = "software"

  var "organization" {
    type    = "text"
    default = "ACME@AdobeOrg"
    about   = "the id of the organization"
  }

  hosts = ["ims-na1.adobelogin.com"]

  auth "oauth2_client_credentials" {
    token_url = "https://ims-na1.adobelogin.com/ims/token/v3"
    scope     = "openid,AdobeID,user_management_sdk"
    in_form   = true
  }

  headers = { accept = "application/json" }

  limit "users" {
    paths       = ["/v2/usermanagement/users/*", "/v2/usermanagement/organizations/*"]
    rate        = 25
    per         = "1m"
    reserve     = 20
    concurrency = 1
  }

  limit "actions" {
    paths       = ["/v2/usermanagement/action/*"]
    rate        = 10
    per         = "1m"
    reserve     = 20
    concurrency = 1
  }

  message = coalesce(response.body.errors[0].message, response.body.message, response.body.result)

  error "absent" { when = contains(["error.user.nonexistent", "error.user.belongs_to_another_org"], response.body.errors[0].errorCode) }
  error "invalid" { when = response.status == 200 && response.body.result == "error" && response.body.completed == 0 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  lookup "user" {
    inputs = { email = "text" }
    get    = "/v2/usermanagement/organizations/{var.organization}/users/{email}"
    error "absent" { when = response.status == 404 && contains(response.body.result, "error.user.nonexistent") }
    error "absent" { when = response.status == 404 && contains(response.body.message, "not found") }
    present = lower(response.body.user.email) == lower(input.email)
    value   = response.body.user.status == "disabled" ? "disabled" : "present"
    outputs = {
      type       = response.body.user.type
      first_name = response.body.user.firstname
      last_name  = response.body.user.lastname
      country    = response.body.user.country
    }
    authoritative = true
  }

  # A product profile, among the groups of the user.
  lookup "profile" {
    inputs = {
      email   = "text"
      profile = "text"
    }
    get           = "/v2/usermanagement/organizations/{var.organization}/users/{email}"
    ok            = response.status == 200 && lower(response.body.user.email) == lower(input.email)
    items         = list(response.body.user.groups)
    where         = item == input.profile
    value         = "member"
    authoritative = true
  }

  awf "add_user" {
    achieves = "create"
    inputs = {
      email      = "text"
      first_name = "text"
      last_name  = "text"
      country    = "text"
    }
    personal = ["email", "first_name", "last_name", "country"]
    evidence = "vendor docs"

    post = "/v2/usermanagement/action/{var.organization}"
    json = [{
      user      = input.email
      requestID = key
      do = [{
        createFederatedID = {
          email     = input.email
          firstname = input.first_name
          lastname  = input.last_name
          country   = input.country
          option    = "ignoreIfAlreadyExists"
        }
      }]
    }]
    ok = response.status == 200 && response.body.result == "success"
    error "already_done" { when = response.body.errors[0].errorCode == "error.user.already_in_org" }

    lookup "user" {}
    # Who is there already is left as they are.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "remove_from_org" { with = { email = input.email } }
  }

  awf "remove_from_org" {
    achieves = "remove"
    inputs   = { email = "text" }
    personal = ["email"]
    blast    = 1
    locks    = ["user:{email}"]
    evidence = "vendor docs"

    post = "/v2/usermanagement/action/{var.organization}"
    json = [{
      user      = input.email
      requestID = key
      do        = [{ removeFromOrg = { deleteAccount = false } }]
    }]
    ok = response.status == 200 && response.body.result == "success"

    lookup "user" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "add_user" {
      with = {
        email      = input.email
        first_name = snapshot.first_name
        last_name  = snapshot.last_name
        country    = snapshot.country
      }
      loss = "the user comes back without the product profiles, and what they stored may be gone"
    }
  }

  awf "add_product_profile" {
    achieves = "create"
    inputs = {
      email   = "text"
      profile = "text"
    }
    personal = ["email"]
    evidence = "vendor docs"

    post = "/v2/usermanagement/action/{var.organization}"
    json = [{
      user      = input.email
      requestID = key
      do        = [{ add = { group = [input.profile] } }]
    }]
    ok = response.status == 200 && response.body.result == "success"

    lookup "profile" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "remove_product_profile" {
      with = {
        email   = input.email
        profile = input.profile
      }
    }
  }

  awf "remove_product_profile" {
    achieves = "remove"
    inputs = {
      email   = "text"
      profile = "text"
    }
    personal = ["email"]
    evidence = "vendor docs"

    post = "/v2/usermanagement/action/{var.organization}"
    json = [{
      user      = input.email
      requestID = key
      do        = [{ remove = { group = [input.profile] } }]
    }]
    ok = response.status == 200 && response.body.result == "success"

    lookup "profile" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "5s"
    }
    undo "add_product_profile" {
      with = {
        email   = input.email
        profile = input.profile
      }
      loss = "what the person stored under the profile may have been taken back by the administrator meanwhile"
    }
  }

  # Pages are counted from 0, and the last one says that it is.
  read "users" {
    kind     = "user"
    get      = "/v2/usermanagement/users/{var.organization}/{page.cursor}"
    evidence = "vendor docs"
    ok       = response.status == 200 && response.body.lastPage != null
    items    = list(response.body.users)
    page "path" {
      first = "0"
      last  = response.body.lastPage == true
    }
    id = item.email
    text {
      email      = item.email
      user_name  = item.username
      first_name = item.firstname
      last_name  = item.lastname
      type       = item.type
      status     = item.status
    }
    texts { profiles = item.groups }
  }
}
