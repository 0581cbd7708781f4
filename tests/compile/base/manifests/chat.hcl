# The chat: seats in channels, messages, and one thing that cannot be taken back.
manifest "chat" {
  title  = "Chat"
  domain = "communications"

  auth "none" {}

  lookup "seat" {
    inputs = {
      channel = "text"
      user    = "text"
    }
    get = "/channels/{channel}/{user}"
    error "absent" { when = response.status == 404 }
    value         = "member"
    authoritative = true
  }

  lookup "card" {
    inputs = { user = "text" }
    get    = "/cards/{user}"
    error "absent" { when = response.status == 404 }
    value         = response.body.color
    authoritative = true
  }

  awf "invite" {
    achieves = "create"
    inputs = {
      channel = "text"
      user    = "text"
    }
    evidence = "made up"

    put  = "/channels/{channel}/{user}"
    lookup "seat" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "kick" {
      with = {
        channel = input.channel
        user    = input.user
      }
    }
  }

  awf "kick" {
    achieves = "remove"
    inputs = {
      channel = "text"
      user    = "text"
    }
    evidence = "made up"

    delete = "/channels/{channel}/{user}"
    lookup "seat" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "invite" {
      with = {
        channel = input.channel
        user    = input.user
      }
    }
  }

  # A letter that was sent is sent.
  awf "engrave" {
    achieves = "create"
    inputs = {
      user  = "text"
      color = "text"
    }
    evidence = "made up"

    put          = "/cards/{user}"
    json         = { color = input.color }
    irreversible = "what is engraved stays"
    lookup "card" {}
    ambiguous "resend" {}
    readback { within = "60s" }
  }

  awf "color" {
    achieves = "create"
    inputs = {
      user  = "text"
      color = "text"
    }
    evidence = "made up"

    put  = "/cards/{user}"
    json = { color = input.color }
    lookup "card" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "blank" { with = { user = input.user } }
  }

  awf "blank" {
    achieves = "remove"
    inputs   = { user = "text" }
    evidence = "made up"

    delete = "/cards/{user}"
    lookup "card" {}
    ambiguous "resend" {}
    readback { within = "60s" }
    undo "color" {
      with = {
        user  = input.user
        color = "grey"
      }
    }
  }

  awf "say" {
    inputs = {
      to   = "text"
      text = "text"
    }
    personal = ["text"]
    outputs  = { message = "text" }
    evidence = "made up"

    post            = "/messages"
    json            = { to = input.to, text = input.text }
    capture         = { message = response.body.id }
    ambiguous "park" {}
    nothing_to_undo = "what was said is said, and harms nobody"
  }

  read "members" {
    kind     = "member"
    get      = "/members"
    evidence = "made up"
    items    = response.body
    id       = item.id
    text { email = item.email }
  }
}
