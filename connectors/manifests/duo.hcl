# Duo: people, their phones, codes for emergencies. Facts: the vendor's client library; answers, limits and codes are recalled. Each
# request is signed with the integration's secret. A person who is deleted by a call is gone at once; only who is deleted in another
# way lies in the trash for a week ("pending deletion").
manifest "duo" {
  title  = "Duo"
  domain = "identity"

  auth "hmac" {
    style     = "duo"
    algorithm = "sha1"
  }

  headers = { accept = "application/json" }

  limit "integration" {
    rate        = 50
    per         = "1m"
    reserve     = 20
    concurrency = 2
  }

  ok      = response.status == 200 && response.body.stat == "OK"
  message = coalesce(response.body.message_detail, response.body.message)

  error "absent" { when = response.status == 404 && contains([40401, 40402, 40403], response.body.code) }
  error "auth_expired" { when = response.status == 401 && response.body.code == 40102 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A person by the name, which is unique.
  lookup "account" {
    inputs = { username = "text" }
    get    = "/admin/v1/users"
    query = {
      username = input.username
      limit    = 300
      offset   = page.cursor
    }
    items         = list(response.body.response)
    where         = lower(item.username) == lower(input.username) && item.status != "pending deletion"
    value         = item.status == "disabled" ? "disabled" : "present"
    outputs       = { user = item.user_id }
    authoritative = true
    page "cursor" { next = response.body.metadata.next_offset }
  }

  lookup "any_account" {
    inputs = { user = "text" }
    get    = "/admin/v1/users/{user}"
    error "absent" { when = response.status == 404 && response.body.stat == "FAIL" }
    absent  = contains(["pending deletion", "pending_deletion"], response.body.response.status)
    present = response.body.response.user_id == input.user
    outputs = {
      username = response.body.response.username
      realname = response.body.response.realname
      email    = response.body.response.email
    }
    authoritative = true
  }

  # Who may sign in, with a second factor or without one.
  lookup "live_account" {
    inputs = { user = "text" }
    get    = "/admin/v1/users/{user}"
    error "absent" { when = response.status == 404 && response.body.stat == "FAIL" }
    absent        = contains(["disabled", "pending deletion", "pending_deletion"], response.body.response.status)
    present       = contains(["active", "bypass", "locked out", "locked_out"], response.body.response.status)
    value         = "active"
    authoritative = true
  }

  # A phone by its number; with an extension it is another phone.
  lookup "phone" {
    inputs = { number = "text" }
    get    = "/admin/v1/phones"
    query = {
      number = input.number
      limit  = 300
      offset = page.cursor
    }
    items         = list(response.body.response)
    where         = item.number == input.number && coalesce(item.extension, "") == ""
    outputs       = { phone = item.phone_id }
    authoritative = true
    page "cursor" { next = response.body.metadata.next_offset }
  }

  lookup "phone_by_id" {
    inputs = { phone = "text" }
    get    = "/admin/v1/phones"
    query = {
      limit  = 300
      offset = page.cursor
    }
    items = list(response.body.response)
    where = item.phone_id == input.phone
    outputs = {
      number   = item.number
      type     = lower(item.type)
      platform = lower(item.platform)
    }
    authoritative = true
    page "cursor" { next = response.body.metadata.next_offset }
  }

  lookup "bypass_code_of" {
    inputs = { user = "text" }
    get    = "/admin/v1/bypass_codes"
    query = {
      limit  = 300
      offset = page.cursor
    }
    items         = list(response.body.response)
    where         = item.user.user_id == input.user
    value         = "issued"
    outputs       = { code = item.bypass_code_id }
    authoritative = true
    page "cursor" { next = response.body.metadata.next_offset }
  }

  lookup "bypass_code" {
    inputs = { code = "text" }
    get    = "/admin/v1/bypass_codes"
    query = {
      limit  = 300
      offset = page.cursor
    }
    items         = list(response.body.response)
    where         = item.bypass_code_id == input.code
    value         = "issued"
    outputs       = { user = item.user.user_id }
    authoritative = true
    page "cursor" { next = response.body.metadata.next_offset }
  }

  awf "create_phone" {
    achieves = "create"
    inputs = {
      number   = "text"
      type     = "text"
      platform = "text"
    }
    samples  = { number = "+15555550100", type = "mobile", platform = "google android" }
    personal = ["number"]
    optional = ["type", "platform"]
    outputs  = { phone = "text" }
    evidence = "client library; answers, and that a number is there once, are recalled"

    post = "/admin/v1/phones"
    form = {
      number   = input.number
      type     = input.type
      platform = input.platform
    }
    capture = { phone = response.body.response.phone_id }

    lookup "phone" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "delete_phone" { with = { phone = output.phone } }
  }

  awf "delete_phone" {
    achieves = "remove"
    inputs   = { phone = "text" }
    samples  = { type = "mobile", platform = "google android" }
    evidence = "client library; answers are recalled"

    delete = "/admin/v1/phones/{phone}"

    lookup "phone_by_id" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "create_phone" {
      with = {
        number   = snapshot.number
        type     = snapshot.type
        platform = snapshot.platform
      }
      loss = "the phone has another id, belongs to nobody and is activated anew"
    }
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      username = "text"
      email    = "text"
      realname = "text"
    }
    personal = ["username", "email", "realname"]
    optional = ["email", "realname"]
    outputs  = { user = "text" }
    evidence = "client library; answers are recalled"

    post = "/admin/v1/users"
    form = {
      username = input.username
      email    = input.email
      realname = input.realname
      status   = "active"
    }
    capture = { user = response.body.response.user_id }

    lookup "account" {}
    # A name is given once.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "disable_user" {
      with = { user = output.user }
      loss = "the person remains, disabled"
    }
  }

  awf "disable_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "client library; answers are recalled"

    post = "/admin/v1/users/{user}"
    form = { status = "disabled" }

    lookup "live_account" {}
    # A switch: a second call changes nothing.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "enable_user" {
      with = { user = input.user }
      loss = "who was let in without a second factor needs one again"
    }
  }

  awf "enable_user" {
    achieves = "create"
    inputs   = { user = "text" }
    evidence = "client library; answers are recalled"

    post = "/admin/v1/users/{user}"
    form = { status = "active" }

    lookup "live_account" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "disable_user" { with = { user = input.user } }
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "client library; answers are recalled"

    delete = "/admin/v1/users/{user}"

    lookup "any_account" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "create_user" {
      with = {
        username = snapshot.username
        email    = snapshot.email
        realname = snapshot.realname
      }
      loss = "the person has another id and none of the phones, tokens and groups"
    }
  }

  # Makes the person, if there is none, and mails a link.
  awf "enroll_user" {
    achieves = "create"
    inputs = {
      username = "text"
      email    = "text"
      valid_s  = "int"
    }
    personal = ["username", "email"]
    optional = ["valid_s"]
    outputs  = { user = "text" }
    evidence = "client library; answers are recalled"

    post = "/admin/v1/users/enroll"
    form = {
      username   = input.username
      email      = input.email
      valid_secs = input.valid_s
    }

    lookup "account" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "disable_user" {
      with = { user = output.user }
      loss = "the person remains, disabled, and the mail has been sent"
    }
  }

  # The code is a secret that is shown once: a later step hands it over. Codes that are there stay good.
  awf "create_bypass_codes" {
    achieves = "create"
    inputs = {
      user    = "text"
      valid_s = "int"
    }
    optional = ["valid_s"]
    outputs = {
      code   = "text"
      secret = "text"
    }
    redact   = ["secret"]
    evidence = "client library; answers are recalled"

    post = "/admin/v1/users/{user}/bypass_codes"
    form = {
      count             = 1
      valid_secs        = coalesce(input.valid_s, 3600)
      reuse_count       = 1
      preserve_existing = true
    }
    capture = { secret = response.body.response[0] }

    lookup "bypass_code_of" {}
    # Who has a code already is not given a second one.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "delete_bypass_code" { with = { code = output.code } }
  }

  awf "delete_bypass_code" {
    achieves = "remove"
    inputs   = { code = "text" }
    evidence = "client library; answers are recalled"

    delete = "/admin/v1/bypass_codes/{code}"

    lookup "bypass_code" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "2s"
    }
    undo "create_bypass_codes" {
      with = { user = snapshot.user }
      loss = "another code than the one that was deleted, and good for an hour"
    }
  }

  read "users" {
    kind = "user"
    get  = "/admin/v1/users"
    query = {
      limit  = 300
      offset = page.cursor
    }
    evidence = "client library; members are recalled"
    items    = list(response.body.response)
    page "cursor" { next = response.body.metadata.next_offset }
    id = item.user_id
    text {
      username = item.username
      email    = item.email
      realname = item.realname
      status   = item.status
    }
    bool { enrolled = item.is_enrolled }
    int { last_login = item.last_login }
    texts {
      phones = item.phones[*].number
      groups = item.groups[*].name
    }
  }
}
