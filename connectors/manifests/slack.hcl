# Slack: channel memberships. Facts: the Web API's description of 2021. Failures are answers of status 200.
manifest "slack" {
  title  = "Slack"
  domain = "communications"

  auth "bearer" { part = "bot_token" }

  limit "tier_2" {
    paths       = ["/users.list"]
    rate        = 20
    per         = "1m"
    reserve     = 20
    concurrency = 1
  }

  limit "tier_3" {
    paths       = ["/conversations.invite", "/conversations.kick"]
    rate        = 50
    per         = "1m"
    reserve     = 20
    concurrency = 3
  }

  limit "tier_4" {
    paths       = ["/conversations.members"]
    rate        = 100
    per         = "1m"
    reserve     = 20
    concurrency = 3
  }

  ok      = response.status == 200 && response.body.ok == true
  message = response.body.error

  error "rate_limited" { when = response.body.error == "ratelimited" }
  error "auth_expired" { when = contains(["invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive"], response.body.error) }
  error "forbidden" { when = contains(["missing_scope", "no_permission", "not_allowed_token_type", "restricted_action", "access_denied", "ekm_access_denied", "cant_kick_self", "cant_kick_from_general", "cant_invite_self", "user_is_restricted", "ura_max_channels"], response.body.error) }
  error "absent" { when = contains(["channel_not_found", "user_not_found", "users_not_found"], response.body.error) }
  error "conflict" { when = contains(["is_archived", "user_is_deactivated", "name_taken"], response.body.error) }
  # These may have taken effect.
  error "unknown" { when = contains(["fatal_error", "internal_error", "request_timeout", "service_unavailable"], response.body.error) }
  error "invalid" { when = response.status == 200 && response.body.ok == false }

  # A seat in a channel. The list of members is eventually consistent.
  lookup "seat" {
    inputs = {
      channel = "text"
      user    = "text"
    }
    get = "/conversations.members"
    query = {
      channel = input.channel
      limit   = 200
      cursor  = page.cursor
    }
    items         = response.body.members
    where         = item == input.user
    value         = "member"
    authoritative = true
    page "cursor" { next = response.body.response_metadata.next_cursor }
  }

  awf "invite_channels" {
    achieves = "create"
    inputs = {
      channel = "text"
      user    = "text"
    }
    evidence = "vendor spec; the error words are recalled"

    post = "/conversations.invite"
    form = {
      channel = input.channel
      users   = input.user
    }
    error "already_done" { when = response.body.error == "already_in_channel" }
    # It is ourselves who are not in the channel.
    error "forbidden" { when = response.body.error == "not_in_channel" }

    lookup "seat" {}
    # Nobody sits twice in a channel: a second invitation is refused.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_channels" {
      with = {
        channel = input.channel
        user    = input.user
      }
    }
  }

  awf "remove_channels" {
    achieves = "remove"
    inputs = {
      channel = "text"
      user    = "text"
    }
    evidence = "vendor spec; the error words are recalled"

    post = "/conversations.kick"
    form = {
      channel = input.channel
      user    = input.user
    }
    error "already_done" { when = response.body.error == "not_in_channel" }

    lookup "seat" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "invite_channels" {
      with = {
        channel = input.channel
        user    = input.user
      }
    }
  }

  read "users" {
    kind = "user"
    get  = "/users.list"
    query = {
      limit  = 200
      cursor = page.cursor
    }
    evidence = "vendor spec"
    items    = response.body.members
    page "cursor" { next = response.body.response_metadata.next_cursor }
    id      = item.id
    version = item.updated
    text {
      name      = item.name
      real_name = item.profile.real_name
      email     = item.profile.email
    }
    bool {
      deleted = item.deleted
      is_bot  = item.is_bot
    }
  }
}
