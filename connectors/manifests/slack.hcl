# Slack: people, channels, seats, messages. Facts: the Web API's description of 2021; what it does not say is recalled.
# Failures are answers of status 200. What `admin.` begins is of the Enterprise plan.
manifest "slack" {
  title  = "Slack"
  domain = "communications"

  auth "bearer" { part = "bot_token" }

  limit "tier_2" {
    paths       = ["/users.list", "/conversations.list"]
    rate        = 20
    per         = "1m"
    reserve     = 20
    concurrency = 1
  }

  limit "tier_3" {
    paths       = ["/conversations.invite", "/conversations.kick", "/conversations.info", "/users.profile.*"]
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

  # Tiers are counted by method; methods that are used together share one here, so that readings do not hold up what acts.
  limit "tier_2_channels" {
    paths       = ["/conversations.create", "/conversations.archive", "/conversations.unarchive", "/usergroups.users.*"]
    rate        = 20
    per         = "1m"
    reserve     = 20
    concurrency = 1
  }

  limit "tier_2_people" {
    paths       = ["/admin.users.*"]
    rate        = 20
    per         = "1m"
    reserve     = 20
    concurrency = 1
  }

  limit "tier_3_messages" {
    paths       = ["/conversations.history", "/chat.*"]
    rate        = 50
    per         = "1m"
    reserve     = 20
    concurrency = 3
  }

  ok      = response.status == 200 && response.body.ok == true
  message = response.body.error

  error "rate_limited" { when = response.body.error == "ratelimited" }
  error "auth_expired" { when = contains(["invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive"], response.body.error) }
  error "forbidden" { when = contains(["missing_scope", "no_permission", "not_allowed_token_type", "restricted_action", "access_denied", "ekm_access_denied", "cant_kick_self", "cant_kick_from_general", "cant_invite_self", "user_is_restricted", "ura_max_channels"], response.body.error) }
  error "absent" { when = contains(["channel_not_found", "user_not_found", "users_not_found", "subteam_not_found", "no_such_subteam"], response.body.error) }
  error "conflict" { when = contains(["is_archived", "user_is_deactivated", "name_taken"], response.body.error) }
  # These may have taken effect.
  error "unknown" { when = contains(["fatal_error", "internal_error", "request_timeout", "service_unavailable"], response.body.error) }
  error "invalid" { when = response.status == 200 && response.body.ok == false }

  webhook "events" {
    verify           = "hmac"
    header           = "x-slack-signature"
    prefix           = "v0="
    signed           = "v0:{timestamp}:{body}"
    timestamp_header = "x-slack-request-timestamp"
    tolerance        = "5m"
    dedupe           = request.body.event_id
    event            = request.body.event.type
    kind             = contains(["team_join", "user_change"], request.body.event.type) ? "user" : contains(["member_joined_channel", "member_left_channel"], request.body.event.type) ? "channel_member" : null
    id               = coalesce(request.body.event.user.id, concat(request.body.event.channel, "/", request.body.event.user))
    evidence         = "recalled: the signature, the events and the handshake"
    handshake {
      when = request.body.type == "url_verification"
      json = { challenge = request.body.challenge }
    }
  }

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

  # A channel by its name; a name that an archived channel bears is taken as well.
  lookup "channel_of_name" {
    inputs   = { name = "text" }
    evidence = "recalled: the listing of channels"
    get      = "/conversations.list"
    query = {
      types  = "public_channel,private_channel"
      limit  = 1000
      cursor = page.cursor
    }
    items         = response.body.channels
    where         = item.name == input.name
    value         = item.is_archived == true ? "archived" : "present"
    outputs       = { id = item.id }
    authoritative = true
    page "cursor" { next = response.body.response_metadata.next_cursor }
  }

  lookup "archived" {
    inputs        = { channel = "text" }
    get           = "/conversations.info"
    query         = { channel = input.channel }
    absent        = response.body.channel.id == input.channel && response.body.channel.is_archived == false
    present       = response.body.channel.id == input.channel && response.body.channel.is_archived == true
    value         = "archived"
    authoritative = true
  }

  # Somebody of a workspace, by the address that was invited. Who has not answered yet is listed as well.
  lookup "invited" {
    inputs = {
      team  = "text"
      email = "text"
    }
    get = "/admin.users.list"
    query = {
      team_id = input.team
      limit   = 100
      cursor  = page.cursor
    }
    items         = response.body.users
    where         = lower(item.email) == lower(input.email)
    value         = "member"
    outputs       = { id = item.id }
    authoritative = true
    page "cursor" { next = response.body.response_metadata.next_cursor }
  }

  lookup "person" {
    inputs = {
      team = "text"
      user = "text"
    }
    get = "/admin.users.list"
    query = {
      team_id = input.team
      limit   = 100
      cursor  = page.cursor
    }
    items         = response.body.users
    where         = item.id == input.user
    value         = "member"
    outputs       = { restricted = item.is_restricted }
    authoritative = true
    page "cursor" { next = response.body.response_metadata.next_cursor }
  }

  lookup "standing" {
    inputs = {
      team = "text"
      user = "text"
    }
    get = "/admin.users.list"
    query = {
      team_id = input.team
      limit   = 100
      cursor  = page.cursor
    }
    items         = response.body.users
    where         = item.id == input.user
    value         = item.is_admin == true || item.is_owner == true ? "admin" : item.is_ultra_restricted == true ? "single_channel_guest" : item.is_restricted == true ? "guest" : "regular"
    authoritative = true
    page "cursor" { next = response.body.response_metadata.next_cursor }
  }

  lookup "workspace_admin" {
    inputs = {
      team = "text"
      user = "text"
    }
    get = "/admin.users.list"
    query = {
      team_id = input.team
      limit   = 100
      cursor  = page.cursor
    }
    items         = response.body.users
    where         = item.id == input.user && item.is_admin == true
    value         = "admin"
    authoritative = true
    page "cursor" { next = response.body.response_metadata.next_cursor }
  }

  # The day on which a guest is switched off; "none" where there is none, so that setting it is always an update.
  lookup "guest_end" {
    inputs = {
      team = "text"
      user = "text"
    }
    get = "/admin.users.list"
    query = {
      team_id = input.team
      limit   = 100
      cursor  = page.cursor
    }
    items         = response.body.users
    where         = item.id == input.user
    value         = coalesce(item.expiration_ts, 0) == 0 ? "none" : date_of(item.expiration_ts)
    outputs       = { moment = coalesce(item.expiration_ts, 0) }
    authoritative = true
    page "cursor" { next = response.body.response_metadata.next_cursor }
  }

  # A place in a user group, and all who have one: the whole set is written back.
  lookup "place" {
    inputs = {
      group = "text"
      user  = "text"
    }
    get           = "/usergroups.users.list"
    query         = { usergroup = input.group, include_disabled = true }
    items         = response.body.users
    where         = item == input.user
    value         = "member"
    gather        = { users = item }
    authoritative = true
  }

  # An attribute that is not set shows the empty text: it is never absent.
  lookup "attribute" {
    inputs = {
      user      = "text"
      attribute = "text"
    }
    get   = "/users.profile.get"
    query = { user = input.user }
    error "absent" { when = response.body.error == "user_not_found" }
    present       = response.body.profile != null
    value         = coalesce(member(response.body.profile, input.attribute), "")
    outputs       = { value = member(response.body.profile, input.attribute) }
    authoritative = true
  }

  # Our message, by the key that names its block, among the newest of the channel: what was sent a moment ago stands there.
  lookup "message" {
    inputs        = { channel = "text" }
    get           = "/conversations.history"
    query         = { channel = input.channel, limit = 200 }
    items         = response.body.messages
    where         = item.ts != null && contains(item.blocks[*].block_id, key)
    outputs       = { ts = item.ts }
    marker        = item.blocks[0].block_id
    authoritative = true
  }

  lookup "message_at" {
    inputs = {
      channel = "text"
      ts      = "text"
    }
    get = "/conversations.history"
    query = {
      channel   = input.channel
      latest    = input.ts
      oldest    = input.ts
      inclusive = true
      limit     = 1
    }
    items         = response.body.messages
    where         = item.ts == input.ts
    outputs       = { text = item.text }
    authoritative = true
  }

  # A message that waits to be sent. It carries no mark: the same text at the same moment is taken for the same message.
  lookup "waiting" {
    inputs = {
      channel = "text"
      text    = "text"
      post_at = "int"
    }
    get = "/chat.scheduledMessages.list"
    query = {
      channel = input.channel
      limit   = 100
      cursor  = page.cursor
    }
    items         = response.body.scheduled_messages
    where         = item.text == input.text && item.post_at == input.post_at
    outputs       = { id = item.id }
    authoritative = true
    page "cursor" { next = response.body.response_metadata.next_cursor }
  }

  lookup "waiting_by_id" {
    inputs = {
      channel = "text"
      id      = "text"
    }
    get = "/chat.scheduledMessages.list"
    query = {
      channel = input.channel
      limit   = 100
      cursor  = page.cursor
    }
    items         = response.body.scheduled_messages
    where         = item.id == input.id
    outputs       = { text = item.text, post_at = item.post_at }
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

  awf "create_channel" {
    achieves = "create"
    inputs = {
      name    = "text"
      private = "bool"
    }
    optional = ["private"]
    outputs  = { id = "text" }
    evidence = "vendor spec; the listing by which it is found and the error words are recalled"

    post = "/conversations.create"
    form = {
      name       = input.name
      is_private = coalesce(input.private, false)
    }
    capture = { id = response.body.channel.id }

    lookup "channel_of_name" {}
    # A name is given once: `name_taken`.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "archive_channel" {
      with = { channel = output.id }
      loss = "the channel remains, archived, and keeps its name"
    }
  }

  awf "archive_channel" {
    achieves = "create"
    inputs   = { channel = "text" }
    evidence = "vendor spec; the error words are recalled"

    post = "/conversations.archive"
    form = { channel = input.channel }
    error "already_done" { when = response.body.error == "already_archived" }

    lookup "archived" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "unarchive_channel" { with = { channel = input.channel } }
  }

  awf "unarchive_channel" {
    achieves = "remove"
    inputs   = { channel = "text" }
    evidence = "vendor spec; the error words are recalled"

    post = "/conversations.unarchive"
    form = { channel = input.channel }
    error "already_done" { when = response.body.error == "not_archived" }

    lookup "archived" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "archive_channel" { with = { channel = input.channel } }
  }

  awf "invite_user" {
    achieves = "create"
    inputs = {
      team        = "text"
      email       = "text"
      channels    = "list(text)"
      real_name   = "text"
      restricted  = "bool"
      guest_until = "text"
    }
    personal = ["email", "real_name"]
    optional = ["real_name", "restricted", "guest_until"]
    outputs  = { id = "text" }
    evidence = "vendor spec; the answers and the error words are recalled"

    post = "/admin.users.invite"
    form = {
      team_id             = input.team
      email               = input.email
      channel_ids         = join(input.channels, ",")
      real_name           = input.real_name
      is_restricted       = input.restricted
      guest_expiration_ts = text(epoch_s(input.guest_until))
    }
    error "already_done" { when = contains(["already_in_team", "already_in_team_invited_user", "already_invited"], response.body.error) }

    lookup "invited" {}
    # An address is invited once.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_user" {
      with = {
        team = input.team
        user = output.id
      }
      loss = "the account remains in the organisation, outside the workspace; the mail has been sent"
    }
  }

  awf "remove_user" {
    achieves = "remove"
    inputs = {
      team = "text"
      user = "text"
    }
    evidence = "vendor spec; the error words are recalled"

    post = "/admin.users.remove"
    form = {
      team_id = input.team
      user_id = input.user
    }
    error "already_done" { when = response.body.error == "user_not_in_team" }

    lookup "person" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "assign_user" {
      with = {
        team       = input.team
        user       = input.user
        restricted = snapshot.restricted
      }
      loss = "the person is in none of the channels of before; a guest comes back without the day on which it ends, an administrator as a member"
    }
  }

  awf "assign_user" {
    achieves = "create"
    inputs = {
      team       = "text"
      user       = "text"
      restricted = "bool"
    }
    optional = ["restricted"]
    evidence = "vendor spec; the error words are recalled"

    post = "/admin.users.assign"
    form = {
      team_id       = input.team
      user_id       = input.user
      is_restricted = input.restricted
    }
    error "already_done" { when = response.body.error == "user_already_team_member" }

    lookup "person" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_user" {
      with = {
        team = input.team
        user = input.user
      }
    }
  }

  # A day ends at its first second in UTC; `moment` says it to the second, and 0 takes the end away.
  awf "set_guest_expiration" {
    achieves = "update"
    inputs = {
      team   = "text"
      user   = "text"
      ends   = "text"
      moment = "int"
    }
    optional = ["ends", "moment"]
    evidence = "vendor spec; that 0 takes the end away is recalled"

    post = "/admin.users.setExpiration"
    form = {
      team_id       = input.team
      user_id       = input.user
      expiration_ts = coalesce(input.moment, epoch_s(input.ends))
    }

    lookup "guest_end" {}
    # The moment is written as a whole: a second call writes the same.
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "set_guest_expiration" {
      with = {
        team   = input.team
        user   = input.user
        moment = snapshot.moment
      }
    }
  }

  awf "make_regular_member" {
    achieves = "update"
    inputs = {
      team = "text"
      user = "text"
    }
    evidence = "vendor spec"

    post = "/admin.users.setRegular"
    form = {
      team_id = input.team
      user_id = input.user
    }

    lookup "standing" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "nothing makes a guest of a regular member; the person is removed and assigned again as a guest"
    forward      = "assign_user"
  }

  awf "grant_workspace_admin" {
    achieves = "create"
    inputs = {
      team = "text"
      user = "text"
    }
    evidence = "vendor spec"

    post = "/admin.users.setAdmin"
    form = {
      team_id = input.team
      user_id = input.user
    }

    lookup "workspace_admin" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "revoke_workspace_admin" {
      with = {
        team = input.team
        user = input.user
      }
    }
  }

  # The same call as `make_regular_member`, on somebody who is an administrator.
  awf "revoke_workspace_admin" {
    achieves = "remove"
    inputs = {
      team = "text"
      user = "text"
    }
    evidence = "vendor spec"

    post = "/admin.users.setRegular"
    form = {
      team_id = input.team
      user_id = input.user
    }

    lookup "workspace_admin" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "grant_workspace_admin" {
      with = {
        team = input.team
        user = input.user
      }
    }
  }

  awf "reset_sessions" {
    inputs   = { user = "text" }
    locks    = ["sessions:{user}"]
    evidence = "vendor spec"

    post = "/admin.users.session.reset"
    form = { user_id = input.user }

    # All sessions end, whatever ended before: to say it again ends those that were opened meanwhile.
    ambiguous "resend" { replaces_within = "15m" }
    irreversible = "sessions that ended do not come back; the person signs in again"
  }

  # The whole list is put: it is read under a lock, merged and written.
  awf "set_user_group_members" {
    achieves = "create"
    inputs = {
      group = "text"
      user  = "text"
    }
    locks    = ["usergroup:{group}"]
    evidence = "vendor spec"

    post = "/usergroups.users.update"
    form = {
      usergroup = input.group
      users     = join(with(snapshot.users, input.user), ",")
    }

    lookup "place" {}
    ambiguous "resend" { replaces_within = "15m" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_user_group_member" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  # A group keeps one member at least: taking the last one away is refused (`no_users_provided`).
  awf "remove_user_group_member" {
    achieves = "remove"
    inputs = {
      group = "text"
      user  = "text"
    }
    locks    = ["usergroup:{group}"]
    evidence = "vendor spec; that a group is never empty is recalled"

    post = "/usergroups.users.update"
    form = {
      usergroup = input.group
      users     = join(without(snapshot.users, input.user), ",")
    }
    error "conflict" { when = response.body.error == "no_users_provided" }

    lookup "place" {}
    ambiguous "resend" { replaces_within = "15m" }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_user_group_members" {
      with = {
        group = input.group
        user  = input.user
      }
    }
  }

  # One attribute of a profile: title, phone, status_text, real_name, ...
  awf "set_profile_fields" {
    achieves = "update"
    inputs = {
      user      = "text"
      attribute = "text"
      value     = "text"
    }
    personal = ["value"]
    optional = ["value"]
    locks    = ["user:{user}"]
    evidence = "vendor spec; that the empty text empties an attribute is recalled"

    post = "/users.profile.set"
    form = {
      user  = input.user
      name  = input.attribute
      value = coalesce(input.value, "")
    }

    lookup "attribute" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "set_profile_fields" {
      with = {
        user      = input.user
        attribute = input.attribute
        value     = snapshot.value
      }
    }
  }

  # To a channel, or to a conversation that was opened with a person: by its own id. The key names the block that holds the text.
  awf "post_message" {
    inputs = {
      channel = "text"
      text    = "text"
    }
    samples  = { ts = "1503435956.000247" }
    personal = ["text"]
    outputs  = { ts = "text" }
    evidence = "vendor spec; that block ids come back in the history is recalled"

    post = "/chat.postMessage"
    form = {
      channel = input.channel
      text    = input.text
      blocks = json_text([{
        type     = "section"
        block_id = key
        text     = { type = "mrkdwn", text = input.text }
      }])
    }
    capture = { ts = response.body.ts }

    lookup "message" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 3
    }
    undo "delete_message" {
      with = {
        channel = input.channel
        ts      = output.ts
      }
      loss = "who has read the message has read it"
    }
  }

  awf "delete_message" {
    achieves = "remove"
    inputs = {
      channel = "text"
      ts      = "text"
    }
    samples  = { ts = "1503435956.000247" }
    evidence = "vendor spec; the error words are recalled"

    post = "/chat.delete"
    form = {
      channel = input.channel
      ts      = input.ts
    }
    error "already_done" { when = response.body.error == "message_not_found" }

    lookup "message_at" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "post_message" {
      with = {
        channel = input.channel
        text    = snapshot.text
      }
      loss = "the message stands at another time, under our name, without its answers and reactions"
    }
  }

  awf "schedule_message" {
    inputs = {
      channel = "text"
      text    = "text"
      post_at = "int"
    }
    personal = ["text"]
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post = "/chat.scheduleMessage"
    form = {
      channel = input.channel
      text    = input.text
      post_at = input.post_at
    }
    capture = { id = response.body.scheduled_message_id }

    lookup "waiting" {}
    ambiguous "probe" {
      window   = "15s"
      agreeing = 3
    }
    undo "cancel_scheduled_message" {
      with = {
        channel = input.channel
        id      = output.id
      }
    }
  }

  awf "cancel_scheduled_message" {
    achieves = "remove"
    inputs = {
      channel = "text"
      id      = "text"
    }
    evidence = "vendor spec; the error words are recalled"

    post = "/chat.deleteScheduledMessage"
    form = {
      channel              = input.channel
      scheduled_message_id = input.id
    }
    error "already_done" { when = response.body.error == "invalid_scheduled_message_id" }

    lookup "waiting_by_id" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "schedule_message" {
      with = {
        channel = input.channel
        text    = snapshot.text
        post_at = snapshot.post_at
      }
      loss = "the message waits under another id"
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

  read "channels" {
    kind = "channel"
    get  = "/conversations.list"
    query = {
      types  = "public_channel,private_channel"
      limit  = 1000
      cursor = page.cursor
    }
    evidence = "recalled: the listing of what the other calls address"
    items    = response.body.channels
    page "cursor" { next = response.body.response_metadata.next_cursor }
    id = item.id
    text {
      name    = item.name
      purpose = item.purpose.value
    }
    bool {
      archived = item.is_archived
      private  = item.is_private
    }
  }

  read "channel_members" {
    kind     = "channel_member"
    for_each = "channel"
    get      = "/conversations.members"
    query = {
      channel = input.parent
      limit   = 200
      cursor  = page.cursor
    }
    evidence = "vendor spec"
    error "absent" { when = response.body.error == "channel_not_found" }
    items = response.body.members
    page "cursor" { next = response.body.response_metadata.next_cursor }
    id = concat(input.parent, "/", item)
    text {
      channel = input.parent
      user    = item
    }
  }
}
