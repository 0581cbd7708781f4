# DocuSign: envelopes. There is no idempotency key: our mark stands in a text custom field of the envelope, and is searched for.
manifest "docusign" {
  title  = "DocuSign eSignature"
  domain = "service"

  var "account" {
    type  = "text"
    about = "the id of the account"
  }

  var "token_url" {
    type    = "text"
    default = "https://account.docusign.com/oauth/token"
    about   = "the token endpoint of the authentication server"
  }

  var "audience" {
    type    = "text"
    default = "account.docusign.com"
    about   = "the authentication server that the assertion is for"
  }

  hosts = ["account.docusign.com"]

  auth "oauth2_jwt_bearer" {
    token_url = "var:token_url"
    audience  = "var:audience"
    issuer    = "part:client_id"
    subject   = "part:user_id"
    scope     = "signature impersonation"
    lifetime  = "1h"
  }

  headers = { accept = "application/json" }

  limit "account" {
    rate      = 3000
    per       = "1h"
    reserve   = 10
    remaining = "x-ratelimit-remaining"
    reset     = "x-ratelimit-reset"
    reset_as  = "epoch_s"
  }

  limit "burst" {
    rate    = 500
    per     = "30s"
    reserve = 20
  }

  message = response.body.message

  error "rate_limited" { when = contains(["HOURLY_APIINVOCATION_LIMIT_EXCEEDED", "BURST_APIINVOCATION_LIMIT_EXCEEDED"], response.body.errorCode) }
  error "absent" { when = contains(["ENVELOPE_DOES_NOT_EXIST", "INVALID_ENVELOPE_ID"], response.body.errorCode) }
  error "forbidden" { when = contains(["USER_LACKS_PERMISSIONS", "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"], response.body.errorCode) }
  error "auth_expired" { when = contains(["USER_AUTHENTICATION_FAILED", "AUTHORIZATION_INVALID_TOKEN"], response.body.errorCode) }

  # Connect signs with each of the account's keys; the first is the one that is looked at.
  webhook "envelopes" {
    verify   = "hmac"
    header   = "x-docusign-signature-1"
    encoding = "base64"
    dedupe   = concat(request.body.data.envelopeId, "/", request.body.event, "/", request.body.generatedDateTime)
    event    = request.body.event
    kind     = request.body.data.envelopeId == null ? null : "envelope"
    id       = request.body.data.envelopeId
    evidence = "recalled: the signature and the message"
  }

  # The envelope that carries our key. Lists are served from a search that follows the writing.
  lookup "sent" {
    inputs = { subject = "text" }
    get    = "/restapi/v2.1/accounts/{var.account}/envelopes"
    query = {
      custom_field   = concat("xopsKey=", key)
      from_date      = "2000-01-01"
      include        = "custom_fields"
      count          = 100
      start_position = page.offset
    }
    items   = list(response.body.envelopes)
    where   = contains(item.customFields.textCustomFields[*].value, key) && !contains(["voided", "deleted"], item.status)
    value   = "sent"
    outputs = { envelope = item.envelopeId }
    marker  = member(pick(item.customFields.textCustomFields, "name", "xopsKey"), "value")
    page "offset" {
      size  = 100
      total = response.body.totalSetSize
    }
    authoritative = true
  }

  lookup "envelope" {
    inputs        = { envelope = "text" }
    get           = "/restapi/v2.1/accounts/{var.account}/envelopes/{envelope}"
    absent        = response.body.envelopeId == input.envelope && contains(["voided", "deleted"], response.body.status)
    present       = response.body.envelopeId == input.envelope && response.body.status != null
    value         = response.body.status
    outputs       = { status = response.body.status }
    authoritative = true
  }

  awf "send_envelope" {
    achieves = "create"
    inputs = {
      subject  = "text"
      template = "text"
      role     = "text"
      name     = "text"
      email    = "text"
    }
    personal = ["name", "email"]
    outputs  = { envelope = "text" }
    evidence = "vendor spec; the search by custom field is recalled"

    post = "/restapi/v2.1/accounts/{var.account}/envelopes"
    json = {
      emailSubject  = input.subject
      templateId    = input.template
      templateRoles = [{
        roleName = input.role
        name     = input.name
        email    = input.email
      }]
      status       = "sent"
      customFields = { textCustomFields = [{
        name  = "xopsKey"
        value = key
        show  = "false"
      }] }
    }
    capture = { envelope = response.body.envelopeId }

    lookup "sent" {}
    ambiguous "probe" {
      window   = "60s"
      agreeing = 3
    }
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "void_envelope" {
      with = {
        envelope = output.envelope
        reason   = "withdrawn"
      }
      loss = "the envelope remains, voided, and its recipients were told of it"
    }
  }

  awf "void_envelope" {
    achieves = "remove"
    inputs = {
      envelope = "text"
      reason   = "text"
    }
    evidence = "vendor spec; what is answered for an envelope that is complete is recalled"

    put = "/restapi/v2.1/accounts/{var.account}/envelopes/{envelope}"
    json = {
      status       = "voided"
      voidedReason = input.reason
    }
    error "invalid" { when = contains(["ENVELOPE_CANNOT_VOID_INVALID_STATE", "ENVELOPE_INVALID_STATUS"], response.body.errorCode) }

    lookup "envelope" {}
    # What is voided is not voided twice: a second call is refused.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a voided envelope is not sent again: its recipients sign a new one"
    forward      = "send_envelope"
  }

  read "envelopes" {
    kind = "envelope"
    get  = "/restapi/v2.1/accounts/{var.account}/envelopes"
    query = {
      from_date      = "2000-01-01"
      count          = 1000
      start_position = page.offset
    }
    evidence = "vendor spec"
    items    = list(response.body.envelopes)
    page "offset" {
      size  = 1000
      total = response.body.totalSetSize
    }
    id      = item.envelopeId
    version = item.statusChangedDateTime
    text {
      status  = item.status
      subject = item.emailSubject
      sender  = item.sender.email
    }
  }
}
