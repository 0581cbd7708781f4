# Twilio: one message to a person. There is no idempotency key and no free field: what was sent and not answered is sought among the
# messages to that number, by the text, and left to a person where that does not tell.
manifest "twilio" {
  title  = "Twilio"
  domain = "communications"

  var "account" {
    type  = "text"
    about = "the account's SID"
  }

  auth "basic" {
    username = "key_sid"
    password = "key_secret"
  }

  headers = { accept = "application/json" }

  limit "account" {
    rate        = 100
    per         = "1s"
    reserve     = 50
    concurrency = 20
  }

  message = response.body.message

  error "rate_limited" { when = response.body.code == 20429 }
  error "auth_expired" { when = response.body.code == 20003 }
  error "absent" { when = response.status == 404 && response.body.code == 20404 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  awf "send_sms" {
    inputs = {
      to   = "text"
      from = "text"
      body = "text"
    }
    personal = ["to", "body"]
    outputs  = { message = "text" }
    evidence = "vendor spec"

    post = "/2010-04-01/Accounts/{var.account}/Messages.json"
    form = {
      To   = input.to
      From = input.from
      Body = input.body
    }
    capture = { message = response.body.sid }

    # Two equal messages are two messages: nothing tells ours from another one.
    ambiguous "park" {}
    irreversible = "a message that was sent is read; a correction is another message"
    forward      = "send_sms"
  }

  read "numbers" {
    kind     = "number"
    get      = "/2010-04-01/Accounts/{var.account}/IncomingPhoneNumbers.json"
    query    = { PageSize = 1000 }
    evidence = "vendor spec"
    items    = response.body.incoming_phone_numbers
    page "next_url" { next = response.body.next_page_uri }
    id      = item.sid
    version = item.date_updated
    text {
      number = item.phone_number
      name   = item.friendly_name
      status = item.status
    }
  }
}
