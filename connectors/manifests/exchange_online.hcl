# Exchange Online, by Microsoft Graph v1.0: automatic replies, forwarding rules, mail. Nothing is unique among rules and mails:
# our key stands in the name of a rule, and in a header of a mail.
manifest "exchange_online" {
  title   = "Exchange Online"
  domain  = "communications"
  extends = "microsoft_graph"

  # The vendor counts per mailbox: 10,000 calls in ten minutes, four at once. What all mailboxes together take is bounded here.
  limit "mailboxes" {
    rate        = 10000
    per         = "10m"
    reserve     = 20
    concurrency = 4
  }

  # The automatic reply of a mailbox: `disabled`, `alwaysEnabled` or `scheduled`. Exchange rewrites the texts as HTML, so they
  # cannot be compared: a reply that is on already keeps its texts until it is switched off.
  lookup "auto_reply" {
    inputs = { user = "text" }
    get    = "/users/{user}/mailboxSettings"
    error "absent" { when = response.status == 404 && contains(["ErrorInvalidUser", "MailboxNotEnabledForRESTAPI", "Request_ResourceNotFound"], response.body.error.code) }
    present = response.body.automaticRepliesSetting.status != null
    value   = response.body.automaticRepliesSetting.status
    outputs = {
      status           = response.body.automaticRepliesSetting.status
      internal_message = coalesce(response.body.automaticRepliesSetting.internalReplyMessage, "")
      external_message = coalesce(response.body.automaticRepliesSetting.externalReplyMessage, "")
      audience         = response.body.automaticRepliesSetting.externalAudience
      start            = response.body.automaticRepliesSetting.scheduledStartDateTime
      end              = response.body.automaticRepliesSetting.scheduledEndDateTime
    }
    authoritative = true
  }

  # A rule by its name, which our key may follow.
  lookup "forward_rule" {
    inputs = {
      user = "text"
      name = "text"
    }
    get   = "/users/{user}/mailFolders/inbox/messageRules"
    items = response.body.value
    where = item.displayName == input.name || starts_with(item.displayName, concat(input.name, " ["))
    value = "present"
    outputs = {
      id = item.id
      to = first(item.actions.forwardTo[*].emailAddress.address)
    }
    marker        = item.displayName
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # A mail among those that were sent, by our key in its headers: a header is a property of the set that the filter names.
  lookup "sent_mail" {
    inputs = { user = "text" }
    get    = "/users/{user}/mailFolders/sentitems/messages"
    query = {
      "$filter" = concat("singleValueExtendedProperties/any(ep: ep/id eq 'String {00020386-0000-0000-C000-000000000046} Name x-xops-key' and ep/value eq '", key, "')")
      "$expand" = "singleValueExtendedProperties($filter=id eq 'String {00020386-0000-0000-C000-000000000046} Name x-xops-key')"
      "$select" = "id,subject"
      "$top"    = 50
    }
    items         = response.body.value
    where         = contains(item.singleValueExtendedProperties[*].value, key)
    value         = "sent"
    outputs       = { message = item.id }
    marker        = first(item.singleValueExtendedProperties[*].value)
    authoritative = true
    evidence      = "vendor spec; that a header is kept as a property of the sent copy is recalled"
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  awf "set_auto_reply" {
    achieves = "update"
    inputs = {
      user             = "text"
      status           = "text"
      internal_message = "text"
      external_message = "text"
      audience         = "text"
      start            = "map"
      end              = "map"
    }
    optional = ["internal_message", "external_message", "audience", "start", "end"]
    personal = ["internal_message", "external_message", "start", "end"]
    evidence = "vendor spec"
    samples = {
      status   = "alwaysEnabled"
      audience = "all"
      start    = { dateTime = "2026-12-01T09:00:00", timeZone = "UTC" }
      end      = { dateTime = "2026-12-24T18:00:00", timeZone = "UTC" }
    }

    patch = "/users/{user}/mailboxSettings"
    json = {
      automaticRepliesSetting = {
        status                 = input.status
        internalReplyMessage   = input.internal_message
        externalReplyMessage   = input.external_message
        externalAudience       = input.audience
        scheduledStartDateTime = input.start
        scheduledEndDateTime   = input.end
      }
    }

    lookup "auto_reply" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "set_auto_reply" {
      with = {
        user             = input.user
        status           = snapshot.status
        internal_message = snapshot.internal_message
        external_message = snapshot.external_message
        audience         = snapshot.audience
        start            = snapshot.start
        end              = snapshot.end
      }
    }
  }

  awf "create_forward_rule" {
    achieves = "create"
    inputs = {
      user = "text"
      name = "text"
      to   = "text"
    }
    personal = ["to"]
    outputs  = { id = "text" }
    evidence = "vendor spec"

    post = "/users/{user}/mailFolders/inbox/messageRules"
    json = {
      displayName = concat(input.name, " [", key, "]")
      sequence    = 1
      isEnabled   = true
      actions = {
        forwardTo           = [{ emailAddress = { address = input.to } }]
        stopProcessingRules = false
      }
    }
    capture = { id = response.body.id }

    lookup "forward_rule" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "delete_forward_rule" {
      with = {
        user = input.user
        name = input.name
      }
    }
  }

  awf "delete_forward_rule" {
    achieves = "remove"
    inputs = {
      user = "text"
      name = "text"
    }
    evidence = "vendor spec"

    delete = "/users/{user}/mailFolders/inbox/messageRules/{snapshot.id}"

    lookup "forward_rule" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "create_forward_rule" {
      with = {
        user = input.user
        name = input.name
        to   = snapshot.to
      }
      loss = "all of the rule but the first address that it forwards to, and its place in the order"
    }
  }

  awf "send_mail" {
    inputs = {
      user    = "text"
      to      = "text"
      subject = "text"
      content = "text"
      html    = "bool"
    }
    optional = ["html"]
    personal = ["to", "subject", "content"]
    evidence = "vendor spec; that a header is kept as a property of the sent copy is recalled"

    post = "/users/{user}/sendMail"
    json = {
      message = {
        subject = input.subject
        body = {
          contentType = input.html == true ? "html" : "text"
          content     = input.content
        }
        toRecipients           = [{ emailAddress = { address = input.to } }]
        internetMessageHeaders = [{ name = "x-xops-key", value = key }]
      }
      saveToSentItems = true
    }

    lookup "sent_mail" {}
    # Also a mail that was accepted has to be found: where the copy does not show the key, a person hears of it at once, and not
    # when a mail is sent twice.
    ambiguous "probe" {
      window   = "5m"
      agreeing = 3
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    irreversible = "a mail that was sent is read; a correction is another mail"
  }

  read "users" {
    kind = "user"
    get  = "/users"
    query = {
      "$select" = "id,userPrincipalName,mail"
      "$top"    = 999
    }
    evidence = "recalled: the listing of those whose mailboxes are read"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = item.id
    text {
      user_principal_name = item.userPrincipalName
      email               = item.mail
    }
  }

  # Who has no mailbox has no settings.
  read "mailbox_settings" {
    kind     = "mailbox"
    for_each = "user"
    get      = "/users/{parent}/mailboxSettings"
    evidence = "vendor spec; the words for a missing mailbox are recalled"
    error "absent" { when = response.status == 404 && contains(["ErrorInvalidUser", "MailboxNotEnabledForRESTAPI", "Request_ResourceNotFound"], response.body.error.code) }
    items = list(response.body)
    id    = input.parent
    text {
      user       = input.parent
      auto_reply = item.automaticRepliesSetting.status
      time_zone  = item.timeZone
      purpose    = item.userPurpose
    }
  }
}
