# Google Chat: spaces, members, messages. `requestId` is the vendor's own key against a second space or message; a message
# under `client-` and our key can be asked for by that name.
manifest "google_chat" {
  title   = "Google Chat"
  domain  = "communications"
  extends = "google"

  auth "google_service_account" {
    scopes = [
      "https://www.googleapis.com/auth/chat.spaces",
      "https://www.googleapis.com/auth/chat.delete",
      "https://www.googleapis.com/auth/chat.memberships",
      "https://www.googleapis.com/auth/chat.messages"
    ]
    subject = "var:delegate"
  }

  limit "project" {
    rate    = 3000
    per     = "1m"
    reserve = 50
  }

  # One write a second in a space: what all spaces together take is bounded here.
  limit "messages" {
    paths       = ["/v1/spaces/*"]
    rate        = 60
    per         = "1m"
    reserve     = 20
    concurrency = 2
  }

  # A space by its name, which is unique among the named spaces of the organisation.
  lookup "space_by_name" {
    inputs = { display_name = "text" }
    get    = "/v1/spaces"
    query = {
      filter    = "spaceType = \"SPACE\""
      pageSize  = 1000
      pageToken = page.cursor
    }
    items         = list(response.body.spaces)
    where         = item.displayName == input.display_name
    value         = "present"
    outputs       = { space = after_last(item.name, "/") }
    authoritative = true
    evidence      = "recalled: the listing of spaces and its filter"
    page "cursor" { next = response.body.nextPageToken }
  }

  lookup "space" {
    inputs = { space = "text" }
    get    = "/v1/spaces/{space}"
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    present       = response.body.name == concat("spaces/", input.space)
    value         = "present"
    outputs       = { display_name = response.body.displayName }
    authoritative = true
  }

  lookup "space_member" {
    inputs = {
      space  = "text"
      member = "text"
    }
    get = "/v1/spaces/{space}/members/{member}"
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    absent        = response.body.state == "NOT_A_MEMBER"
    present       = contains(["JOINED", "INVITED"], response.body.state)
    value         = "member"
    outputs       = { role = response.body.role }
    authoritative = true
  }

  lookup "own_message" {
    inputs = { space = "text" }
    get    = "/v1/spaces/{space}/messages/client-{key}"
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    present       = response.body.clientAssignedMessageId == concat("client-", key)
    value         = "posted"
    outputs       = { message = after_last(response.body.name, "/") }
    marker        = response.body.clientAssignedMessageId
    authoritative = true
  }

  lookup "message" {
    inputs = {
      space   = "text"
      message = "text"
    }
    get = "/v1/spaces/{space}/messages/{message}"
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    absent        = ends_with(response.body.name, concat("/messages/", input.message)) && response.body.deleteTime != null
    present       = ends_with(response.body.name, concat("/messages/", input.message))
    value         = "posted"
    authoritative = true
  }

  awf "create_space" {
    achieves = "create"
    inputs   = { display_name = "text" }
    outputs  = { space = "text" }
    evidence = "vendor spec; that names of spaces are unique is recalled"

    post  = "/v1/spaces"
    query = { requestId = key }
    json = {
      displayName = input.display_name
      spaceType   = "SPACE"
    }
    capture = { space = after_last(response.body.name, "/") }

    lookup "space_by_name" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "delete_space" { with = { space = output.space } }
  }

  awf "delete_space" {
    achieves = "remove"
    inputs   = { space = "text" }
    blast    = 1
    evidence = "vendor spec"

    delete = "/v1/spaces/{space}"

    lookup "space" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "create_space" {
      with = { display_name = snapshot.display_name }
      loss = "its id, members and messages"
    }
  }

  # By the person's id or address.
  awf "add_space_member" {
    achieves = "create"
    inputs = {
      space  = "text"
      member = "text"
    }
    personal = ["member"]
    evidence = "vendor spec; the answer to a second addition is recalled"

    post = "/v1/spaces/{space}/members"
    json = {
      member = {
        name = concat("users/", input.member)
        type = "HUMAN"
      }
    }
    error "already_done" { when = response.status == 409 && response.body.error.status == "ALREADY_EXISTS" }

    lookup "space_member" {}
    # Nobody is twice in a space.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_space_member" {
      with = {
        space  = input.space
        member = input.member
      }
    }
  }

  awf "remove_space_member" {
    achieves = "remove"
    inputs = {
      space  = "text"
      member = "text"
    }
    personal = ["member"]
    evidence = "vendor spec"

    delete = "/v1/spaces/{space}/members/{member}"

    lookup "space_member" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "add_space_member" {
      with = {
        space  = input.space
        member = input.member
      }
      loss = "whether the person managed the space"
    }
  }

  awf "post_message" {
    inputs = {
      space = "text"
      text  = "text"
    }
    personal = ["text"]
    outputs  = { message = "text" }
    evidence = "vendor spec"

    post = "/v1/spaces/{space}/messages"
    query = {
      requestId = key
      messageId = concat("client-", key)
    }
    json    = { text = input.text }
    capture = { message = after_last(response.body.name, "/") }

    lookup "own_message" {}
    # The same request id gives the same message.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    undo "delete_message" {
      with = {
        space   = input.space
        message = output.message
      }
      loss = "whoever has read it has read it"
    }
  }

  awf "delete_message" {
    achieves = "remove"
    inputs = {
      space   = "text"
      message = "text"
    }
    evidence = "vendor spec"

    delete = "/v1/spaces/{space}/messages/{message}"

    lookup "message" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "a message that was deleted is written anew"
    forward      = "post_message"
  }

  read "spaces" {
    kind = "space"
    get  = "/v1/spaces"
    query = {
      filter    = "spaceType = \"SPACE\""
      pageSize  = 1000
      pageToken = page.cursor
    }
    evidence = "recalled: the listing of those whose members are read"
    items    = list(response.body.spaces)
    page "cursor" { next = response.body.nextPageToken }
    id = after_last(item.name, "/")
    text {
      name = item.displayName
      type = item.spaceType
    }
  }

  read "space_members" {
    kind     = "space_member"
    for_each = "space"
    get      = "/v1/spaces/{parent}/members"
    query = {
      pageSize  = 1000
      pageToken = page.cursor
    }
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    items = list(response.body.memberships)
    page "cursor" { next = response.body.nextPageToken }
    id = item.name
    text {
      space = input.parent
      user  = after_last(item.member.name, "/")
      role  = item.role
      state = item.state
    }
  }
}
