# Verkada: people, badges and doors. Facts: a published client library and the reference pages that it cites; statuses, answers and
# limits are recalled. A person is named by Verkada's own id. The API key buys a token that lives half an hour.
manifest "verkada" {
  title  = "Verkada"
  domain = "workplace"

  auth "two_step" {
    post         = "/token"
    in           = "header"
    first_header = "x-api-key"
    part         = "api_key"
    token        = "token"
    header       = "x-verkada-auth"
  }

  headers = { accept = "application/json" }

  # Not published: a careful guess for an organisation.
  limit "organisation" {
    rate        = 300
    per         = "1m"
    reserve     = 20
    concurrency = 5
  }

  message = response.body.message

  error "absent" { when = response.status == 404 && response.body != null }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A person by our own id for somebody.
  lookup "user" {
    inputs = { external_id = "text" }
    get    = "/core/v1/user"
    query  = { external_id = input.external_id }
    error "absent" { when = response.status == 404 && response.body != null }
    present       = response.body.external_id == input.external_id && response.body.user_id != null
    outputs       = { user = response.body.user_id }
    authoritative = true
  }

  lookup "user_by_id" {
    inputs = { user = "text" }
    get    = "/core/v1/user"
    query  = { user_id = input.user }
    error "absent" { when = response.status == 404 && response.body != null }
    present = response.body.user_id == input.user
    outputs = {
      email       = response.body.email
      first_name  = response.body.first_name
      last_name   = response.body.last_name
      external_id = response.body.external_id
      employee_id = response.body.employee_id
    }
    authoritative = true
  }

  # A card by what is printed on it.
  lookup "card" {
    inputs = {
      user          = "text"
      card_number   = "text"
      facility_code = "text"
    }
    get           = "/access/v1/access_users/user"
    query         = { user_id = input.user }
    items         = list(response.body.cards)
    where         = item.card_number == input.card_number && item.facility_code == input.facility_code
    value         = "issued"
    outputs       = { card = item.card_id }
    authoritative = true
  }

  lookup "card_by_id" {
    inputs = {
      user = "text"
      card = "text"
    }
    get   = "/access/v1/access_users/user"
    query = { user_id = input.user }
    items = list(response.body.cards)
    where = item.card_id == input.card
    value = "issued"
    outputs = {
      type          = item.type
      card_number   = item.card_number
      facility_code = item.facility_code
      active        = item.active
    }
    authoritative = true
  }

  lookup "active_card" {
    inputs = {
      user = "text"
      card = "text"
    }
    get           = "/access/v1/access_users/user"
    query         = { user_id = input.user }
    items         = list(response.body.cards)
    where         = item.card_id == input.card && item.active == true
    value         = "active"
    authoritative = true
  }

  lookup "group_membership" {
    inputs = {
      group = "text"
      user  = "text"
    }
    get           = "/access/v1/access_groups/group"
    query         = { group_id = input.group }
    items         = list(response.body.user_ids)
    where         = item == input.user
    value         = "member"
    authoritative = true
  }

  # The days on which access begins and ends; "none" where there is none: so it is never absent, and setting it is an update.
  lookup "end" {
    inputs        = { user = "text" }
    get           = "/access/v1/access_users/user"
    query         = { user_id = input.user }
    present       = response.body.user_id == input.user
    absent        = response.body.user_id == null
    value         = coalesce(date_of(response.body.end_date), "none")
    outputs       = { moment = coalesce(response.body.end_date, "") }
    authoritative = false
  }

  lookup "start" {
    inputs        = { user = "text" }
    get           = "/access/v1/access_users/user"
    query         = { user_id = input.user }
    present       = response.body.user_id == input.user
    absent        = response.body.user_id == null
    value         = coalesce(date_of(response.body.start_date), "none")
    outputs       = { moment = coalesce(response.body.start_date, "") }
    authoritative = false
  }

  lookup "mobile_unlock" {
    inputs        = { user = "text" }
    get           = "/access/v1/access_users/user"
    query         = { user_id = input.user }
    absent        = response.body.user_id == input.user && response.body.remote_unlock == false
    present       = response.body.user_id == input.user && response.body.remote_unlock == true
    value         = "enabled"
    authoritative = true
  }

  # Whether somebody has a code, not which.
  lookup "entry_code" {
    inputs        = { user = "text" }
    get           = "/access/v1/access_users/user"
    query         = { user_id = input.user }
    absent        = response.body.user_id == input.user && coalesce(response.body.entry_code, "") == ""
    present       = response.body.user_id == input.user
    value         = "set"
    authoritative = true
  }

  awf "create_user" {
    achieves = "create"
    inputs = {
      external_id = "text"
      first_name  = "text"
      last_name   = "text"
      email       = "text"
      employee_id = "text"
    }
    personal = ["first_name", "last_name", "email", "employee_id"]
    optional = ["email", "employee_id"]
    outputs  = { user = "text" }
    evidence = "client library; answers are recalled"

    post = "/core/v1/user"
    json = {
      external_id = input.external_id
      first_name  = input.first_name
      last_name   = input.last_name
      email       = input.email
      employee_id = input.employee_id
    }
    capture = { user = response.body.user_id }

    lookup "user" {}
    # Our id for somebody is there once.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_user" { with = { user = output.user } }
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "client library; answers are recalled"

    delete = "/core/v1/user"
    query  = { user_id = input.user }

    lookup "user_by_id" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "create_user" {
      with = {
        external_id = snapshot.external_id
        first_name  = snapshot.first_name
        last_name   = snapshot.last_name
        email       = snapshot.email
        employee_id = snapshot.employee_id
      }
      loss = "the person has another id and none of the badges, codes and doors"
    }
  }

  awf "add_badge_card" {
    achieves = "create"
    inputs = {
      user          = "text"
      type          = "text"
      card_number   = "text"
      facility_code = "text"
    }
    samples  = { type = "HID 37bit w/ Facility Code" }
    outputs  = { card = "text" }
    locks    = ["badges:{user}"]
    evidence = "client library; answers are recalled"

    post  = "/access/v1/credentials/card"
    query = { user_id = input.user }
    json = {
      type          = input.type
      card_number   = input.card_number
      facility_code = input.facility_code
      active        = true
    }
    capture = { card = response.body.card_id }

    lookup "card" {}
    # A card of a number is there once.
    ambiguous "probe" {
      window   = "15s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_badge_card" {
      with = {
        user = input.user
        card = output.card
      }
    }
  }

  awf "remove_badge_card" {
    achieves = "remove"
    inputs = {
      user = "text"
      card = "text"
    }
    locks    = ["badges:{user}"]
    evidence = "client library; answers are recalled"

    delete = "/access/v1/credentials/card"
    query  = { user_id = input.user, card_id = input.card }

    lookup "card_by_id" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_badge_card" {
      with = {
        user          = input.user
        type          = snapshot.type
        card_number   = snapshot.card_number
        facility_code = snapshot.facility_code
      }
      loss = "the card has another id, and one that was inactive is active"
    }
  }

  awf "activate_badge" {
    achieves = "create"
    inputs = {
      user = "text"
      card = "text"
    }
    evidence = "client library; answers are recalled"

    put   = "/access/v1/credentials/card/activate"
    query = { user_id = input.user, card_id = input.card }

    lookup "active_card" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "deactivate_badge" {
      with = {
        user = input.user
        card = input.card
      }
    }
  }

  awf "deactivate_badge" {
    achieves = "remove"
    inputs = {
      user = "text"
      card = "text"
    }
    evidence = "client library; answers are recalled"

    put   = "/access/v1/credentials/card/deactivate"
    query = { user_id = input.user, card_id = input.card }

    lookup "active_card" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "activate_badge" {
      with = {
        user = input.user
        card = input.card
      }
    }
  }

  awf "grant_access_group" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    evidence = "client library; answers are recalled"

    put   = "/access/v1/access_groups/group/user"
    query = { group_id = input.group }
    json  = { user_id = input.user }

    lookup "group_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "revoke_access_group" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  awf "revoke_access_group" {
    achieves = "remove"
    inputs = {
      group = "text"
      user  = "text"
    }
    evidence = "client library; answers are recalled"

    delete = "/access/v1/access_groups/group/user"
    query  = { group_id = input.group, user_id = input.user }

    lookup "group_membership" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "grant_access_group" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  # A day begins at its first second in UTC; `moment` says it to the second, and the empty text takes it away.
  awf "set_access_end_date" {
    achieves = "update"
    inputs = {
      user     = "text"
      end_date = "date"
      moment   = "text"
    }
    personal = ["end_date"]
    optional = ["end_date", "moment"]
    locks    = ["access_of:{user}"]
    evidence = "client library; that the empty text takes the day away is recalled"

    put   = "/access/v1/access_users/user/end_date"
    query = { user_id = input.user }
    json  = { end_date = coalesce(input.moment, text(epoch_s(input.end_date))) }

    lookup "end" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_access_end_date" {
      with = {
        user   = input.user
        moment = snapshot.moment
      }
    }
  }

  awf "set_access_start_date" {
    achieves = "update"
    inputs = {
      user       = "text"
      start_date = "date"
      moment     = "text"
    }
    personal = ["start_date"]
    optional = ["start_date", "moment"]
    locks    = ["access_of:{user}"]
    evidence = "client library; that the empty text takes the day away is recalled"

    put   = "/access/v1/access_users/user/start_date"
    query = { user_id = input.user }
    json  = { start_date = coalesce(input.moment, text(epoch_s(input.start_date))) }

    lookup "start" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_access_start_date" {
      with = {
        user   = input.user
        moment = snapshot.moment
      }
    }
  }

  awf "enable_mobile_unlock" {
    achieves = "create"
    inputs   = { user = "text" }
    evidence = "client library; answers are recalled"

    put   = "/access/v1/access_users/user/remote_unlock/activate"
    query = { user_id = input.user }

    lookup "mobile_unlock" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "disable_mobile_unlock" { with = { user = input.user } }
  }

  awf "disable_mobile_unlock" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "client library; answers are recalled"

    put   = "/access/v1/access_users/user/remote_unlock/deactivate"
    query = { user_id = input.user }

    lookup "mobile_unlock" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "enable_mobile_unlock" { with = { user = input.user } }
  }

  awf "set_entry_code" {
    achieves = "create"
    inputs = {
      user = "text"
      code = "text"
    }
    redact   = ["code"]
    evidence = "client library; answers are recalled"

    put   = "/access/v1/access_users/user/entry_code"
    query = { user_id = input.user }
    json  = { entry_code = input.code }

    lookup "entry_code" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_entry_code" { with = { user = input.user } }
  }

  awf "remove_entry_code" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "client library; answers are recalled"

    delete = "/access/v1/access_users/user/entry_code"
    query  = { user_id = input.user }

    lookup "entry_code" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "we do not keep the code; another one is set"
    forward      = "set_entry_code"
  }

  # Who has access at all; what somebody has is read one by one.
  read "people" {
    kind     = "person"
    get      = "/access/v1/access_users"
    evidence = "recalled: the path and the name of the list; its members are the vendor's"
    items    = response.body.access_members
    id       = item.user_id
    text {
      email       = item.email
      full_name   = item.full_name
      employee_id = item.employee_id
    }
  }

  read "access_users" {
    kind     = "access_user"
    for_each = "person"
    get      = "/access/v1/access_users/user"
    query    = { user_id = input.parent }
    evidence = "client library; members are the vendor's"
    error "absent" { when = response.status == 404 && response.body != null }
    items = list(response.body)
    id    = item.user_id
    text {
      external_id = item.external_id
      start_date  = item.start_date
      end_date    = item.end_date
    }
    bool {
      remote_unlock = item.remote_unlock
      ble_unlock    = item.ble_unlock
    }
    texts {
      cards  = item.cards[*].card_id
      groups = item.access_groups[*].group_id
    }
  }
}
