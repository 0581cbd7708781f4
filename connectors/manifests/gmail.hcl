# Gmail settings. Only the person whose mailbox it is may change them, so the service account speaks for that person.
manifest "gmail" {
  title   = "Gmail"
  domain  = "communications"
  extends = "google"

  var "directory_url" {
    type    = "text"
    default = "https://admin.googleapis.com"
  }

  auth "google_service_account" {
    scopes = [
      "https://www.googleapis.com/auth/gmail.settings.basic",
      "https://www.googleapis.com/auth/gmail.settings.sharing",
      "https://www.googleapis.com/auth/admin.directory.user.readonly"
    ]
    subject   = "input:user"
    otherwise = "var:delegate"
  }

  # The vendor counts units per person and minute; a settings call costs five of them, or a hundred where it shares.
  limit "person" {
    rate        = 150
    per         = "1m"
    reserve     = 50
    concurrency = 4
  }

  # Whether the automatic reply is on, and all of it.
  lookup "vacation" {
    inputs = { user = "text" }
    get    = "/gmail/v1/users/{user}/settings/vacation"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    # What is off and was never set may be left out, so that nothing at all is shown; other names than these are no answer.
    present = response.status == 200 && (coalesce(response.body.enableAutoReply, response.body.responseSubject, response.body.responseBodyHtml, response.body.responseBodyPlainText, response.body.restrictToContacts, response.body.restrictToDomain, response.body.startTime, response.body.endTime) != null || length(values(response.body)) == 0)
    value   = response.body.enableAutoReply == true ? "on" : "off"
    outputs = {
      state        = response.body.enableAutoReply == true ? "on" : "off"
      subject      = response.body.responseSubject
      html         = response.body.responseBodyHtml
      plain        = response.body.responseBodyPlainText
      contacts     = response.body.restrictToContacts
      organization = response.body.restrictToDomain
      start        = response.body.startTime
      end          = response.body.endTime
    }
    authoritative = true
  }

  lookup "delegate" {
    inputs = {
      user     = "text"
      delegate = "text"
    }
    get           = "/gmail/v1/users/{user}/settings/delegates"
    items         = list(response.body.delegates)
    where         = lower(item.delegateEmail) == lower(input.delegate)
    value         = "member"
    outputs       = { status = item.verificationStatus }
    authoritative = true
  }

  lookup "forwarding_address" {
    inputs = {
      user    = "text"
      address = "text"
    }
    get           = "/gmail/v1/users/{user}/settings/forwardingAddresses"
    items         = list(response.body.forwardingAddresses)
    where         = lower(item.forwardingEmail) == lower(input.address)
    value         = "member"
    outputs       = { status = item.verificationStatus }
    authoritative = true
  }

  # Where all mail goes: an address, or `off`.
  lookup "forwarding" {
    inputs = { user = "text" }
    get    = "/gmail/v1/users/{user}/settings/autoForwarding"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present = response.status == 200 && (coalesce(response.body.enabled, response.body.emailAddress, response.body.disposition) != null || length(values(response.body)) == 0)
    value   = response.body.enabled == true ? response.body.emailAddress : "off"
    outputs = {
      to          = response.body.enabled == true ? response.body.emailAddress : "off"
      disposition = response.body.disposition
    }
    authoritative = true
  }

  # A signature, as Gmail has cleaned it: whoever wants it found again writes it so.
  lookup "signature" {
    inputs = {
      user    = "text"
      send_as = "text"
    }
    get = "/gmail/v1/users/{user}/settings/sendAs/{send_as}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present       = lower(response.body.sendAsEmail) == lower(input.send_as)
    value         = coalesce(response.body.signature, "")
    outputs       = { signature = coalesce(response.body.signature, "") }
    authoritative = true
  }

  # The reply is put as a whole: what is not given is not there afterwards.
  awf "set_vacation_reply" {
    achieves = "update"
    inputs = {
      user         = "text"
      state        = "text"
      subject      = "text"
      html         = "text"
      plain        = "text"
      contacts     = "bool"
      organization = "bool"
      start        = "text"
      end          = "text"
    }
    optional = ["subject", "html", "plain", "contacts", "organization", "start", "end"]
    personal = ["user", "subject", "html", "plain", "start", "end"]
    evidence = "vendor spec"
    samples = {
      state        = "on"
      contacts     = false
      organization = true
      start        = "1764579600000"
      end          = "1766599200000"
    }

    put = "/gmail/v1/users/{user}/settings/vacation"
    json = {
      enableAutoReply       = input.state == "on"
      responseSubject       = input.subject
      responseBodyHtml      = input.html
      responseBodyPlainText = input.plain
      restrictToContacts    = input.contacts
      restrictToDomain      = input.organization
      startTime             = input.start
      endTime               = input.end
    }

    lookup "vacation" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "set_vacation_reply" {
      with = {
        user         = input.user
        state        = snapshot.state
        subject      = snapshot.subject
        html         = snapshot.html
        plain        = snapshot.plain
        contacts     = snapshot.contacts
        organization = snapshot.organization
        start        = snapshot.start
        end          = snapshot.end
      }
    }
  }

  awf "add_mail_delegate" {
    achieves = "create"
    inputs = {
      user     = "text"
      delegate = "text"
    }
    personal = ["user", "delegate"]
    evidence = "vendor spec; the answer to a second addition is recalled"

    post = "/gmail/v1/users/{user}/settings/delegates"
    json = { delegateEmail = input.delegate }
    error "already_done" { when = response.status == 409 && response.body.error.errors[0].reason == "alreadyExists" }

    lookup "delegate" {}
    # Nobody is twice a delegate.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "3s"
    }
    undo "remove_mail_delegate" {
      with = {
        user     = input.user
        delegate = input.delegate
      }
    }
  }

  awf "remove_mail_delegate" {
    achieves = "remove"
    inputs = {
      user     = "text"
      delegate = "text"
    }
    personal = ["user", "delegate"]
    evidence = "vendor spec"

    delete = "/gmail/v1/users/{user}/settings/delegates/{delegate}"

    lookup "delegate" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "3s"
    }
    undo "add_mail_delegate" {
      with = {
        user     = input.user
        delegate = input.delegate
      }
    }
  }

  # An address outside the organisation has to be confirmed by whoever reads it.
  awf "add_forwarding_address" {
    achieves = "create"
    inputs = {
      user    = "text"
      address = "text"
    }
    personal = ["user", "address"]
    evidence = "vendor spec; the answer to a second addition is recalled"

    post = "/gmail/v1/users/{user}/settings/forwardingAddresses"
    json = { forwardingEmail = input.address }
    error "already_done" { when = response.status == 409 && response.body.error.errors[0].reason == "alreadyExists" }

    lookup "forwarding_address" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_forwarding_address" {
      with = {
        user    = input.user
        address = input.address
      }
    }
  }

  awf "remove_forwarding_address" {
    achieves = "remove"
    inputs = {
      user    = "text"
      address = "text"
    }
    personal = ["user", "address"]
    evidence = "vendor spec"

    delete = "/gmail/v1/users/{user}/settings/forwardingAddresses/{address}"

    lookup "forwarding_address" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "add_forwarding_address" {
      with = {
        user    = input.user
        address = input.address
      }
      loss = "its confirmation, where the address is outside the organisation"
    }
  }

  # To a confirmed address, or `off`.
  awf "set_auto_forwarding" {
    achieves = "update"
    inputs = {
      user        = "text"
      to          = "text"
      disposition = "text"
    }
    optional = ["disposition"]
    personal = ["user", "to"]
    evidence = "vendor spec"
    samples = {
      to          = "deputy@acme.example"
      disposition = "archive"
    }

    put = "/gmail/v1/users/{user}/settings/autoForwarding"
    json = {
      enabled      = input.to != "off"
      emailAddress = input.to == "off" ? null : input.to
      disposition  = input.to == "off" ? null : coalesce(input.disposition, "leaveInInbox")
    }

    lookup "forwarding" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "set_auto_forwarding" {
      with = {
        user        = input.user
        to          = snapshot.to
        disposition = snapshot.disposition
      }
    }
  }

  awf "set_signature" {
    achieves = "update"
    inputs = {
      user      = "text"
      send_as   = "text"
      signature = "text"
    }
    personal = ["user", "send_as", "signature"]
    evidence = "vendor spec; that Gmail cleans a signature is recalled"

    patch = "/gmail/v1/users/{user}/settings/sendAs/{send_as}"
    json  = { signature = input.signature }

    lookup "signature" {}
    ambiguous "probe" {
      window   = "30s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "set_signature" {
      with = {
        user      = input.user
        send_as   = input.send_as
        signature = snapshot.signature
      }
    }
  }

  read "users" {
    kind = "user"
    base = "var:directory_url"
    get  = "/admin/directory/v1/users"
    query = {
      customer   = "my_customer"
      maxResults = 500
      pageToken  = page.cursor
    }
    evidence = "recalled: the listing of those whose mailboxes are read"
    items    = list(response.body.users)
    page "cursor" { next = response.body.nextPageToken }
    id = item.primaryEmail
    text { email = item.primaryEmail }
  }

  read "vacation_settings" {
    kind     = "vacation"
    for_each = "user"
    get      = "/gmail/v1/users/{parent}/settings/vacation"
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    items = list(response.body)
    id    = input.parent
    text {
      user    = input.parent
      subject = item.responseSubject
    }
    bool { auto_reply = item.enableAutoReply }
  }
}
