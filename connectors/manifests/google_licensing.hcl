# Google licences, by the Enterprise License Manager API. A person has a product in one edition (SKU) at a time.
manifest "google_licensing" {
  title   = "Google licensing"
  domain  = "software"
  extends = "google"

  var "customer" {
    type    = "text"
    default = "my_customer"
  }

  var "product" {
    type    = "text"
    default = "Google-Apps"
    about   = "the product whose licences are read"
  }

  auth "google_service_account" {
    scopes  = ["https://www.googleapis.com/auth/apps.licensing"]
    subject = "var:delegate"
  }

  # The vendor publishes no figure: it answers 429 and 403, and these are waited out.
  limit "project" {
    rate        = 300
    per         = "1m"
    reserve     = 50
    concurrency = 4
  }

  lookup "license" {
    inputs = {
      product = "text"
      sku     = "text"
      user    = "text"
    }
    get = "/apps/licensing/v1/product/{product}/sku/{sku}/user/{user}"
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present       = response.body.skuId == input.sku
    value         = "member"
    authoritative = true
  }

  awf "assign_license" {
    achieves = "create"
    inputs = {
      product = "text"
      sku     = "text"
      user    = "text"
    }
    personal = ["user"]
    evidence = "vendor spec; the words for a person who has it already by client code"

    post = "/apps/licensing/v1/product/{product}/sku/{sku}/user"
    json = { userId = input.user }
    error "already_done" { when = response.status == 412 && contains(response.body.error.message, "already has a license for the specified product and SKU") }
    error "conflict" { when = response.status == 412 && contains(response.body.error.message, "but with a different SKU") }
    error "conflict" { when = response.status == 412 && contains(response.body.error.message, "There aren't enough available licenses") }

    lookup "license" {}
    # Nobody has the same licence twice: a second assignment is refused.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "remove_license" {
      with = {
        product = input.product
        sku     = input.sku
        user    = input.user
      }
    }
  }

  awf "remove_license" {
    achieves = "remove"
    inputs = {
      product = "text"
      sku     = "text"
      user    = "text"
    }
    personal = ["user"]
    evidence = "vendor spec"

    delete = "/apps/licensing/v1/product/{product}/sku/{sku}/user/{user}"

    lookup "license" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "assign_license" {
      with = {
        product = input.product
        sku     = input.sku
        user    = input.user
      }
      loss = "the seat, where it was given away meanwhile"
    }
  }

  # From one edition of a product to another: the new one is there, the old one is gone.
  awf "switch_license_sku" {
    achieves = "create"
    inputs = {
      product = "text"
      sku     = "text"
      to      = "text"
      user    = "text"
    }
    personal = ["user"]
    locks    = ["license:{product}:{user}"]
    evidence = "vendor spec"

    patch = "/apps/licensing/v1/product/{product}/sku/{sku}/user/{user}"
    json  = { skuId = input.to }

    lookup "license" { sku = input.to }
    # Whoever has the new edition no longer has the old one: a second call finds nothing.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "switch_license_sku" {
      with = {
        product = input.product
        sku     = input.to
        to      = input.sku
        user    = input.user
      }
    }
  }

  read "licenses" {
    kind = "license"
    get  = "/apps/licensing/v1/product/{var.product}/users"
    query = {
      customerId = var.customer
      maxResults = 1000
      pageToken  = page.cursor
    }
    evidence = "recalled: the listing of a product's licences"
    items    = list(response.body.items)
    page "cursor" { next = response.body.nextPageToken }
    id      = concat(item.productId, "/", item.skuId, "/", item.userId)
    version = item.etags
    text {
      product = item.productId
      sku     = item.skuId
      user    = item.userId
    }
  }
}
