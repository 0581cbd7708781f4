# Microsoft 365 licences, by Microsoft Graph v1.0. One call gives and takes licences of one account, so calls for one account
# wait for each other. What is inherited from a group is listed with the rest, and is not taken away from the person directly.
manifest "m365_licensing" {
  title   = "Microsoft 365 licensing"
  domain  = "software"
  extends = "microsoft_graph"

  limit "identity" {
    rate    = 3500
    per     = "10s"
    reserve = 50
  }

  error "conflict" { when = response.status == 400 && contains(response.body.error.message, "does not have any available licenses") }

  lookup "license" {
    inputs = {
      user = "text"
      sku  = "text"
    }
    get           = "/users/{user}/licenseDetails"
    items         = response.body.value
    where         = item.skuId == input.sku
    value         = "member"
    outputs       = { part_number = item.skuPartNumber }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  lookup "group_license" {
    inputs = {
      group = "text"
      sku   = "text"
    }
    get           = "/groups/{group}"
    query         = { "$select" = "id,assignedLicenses" }
    items         = response.body.assignedLicenses
    where         = item.skuId == input.sku
    value         = "member"
    outputs       = { disabled_plans = list(item.disabledPlans) }
    authoritative = true
  }

  awf "assign_license" {
    achieves = "create"
    inputs = {
      user           = "text"
      sku            = "text"
      disabled_plans = "list(text)"
    }
    optional = ["disabled_plans"]
    locks    = ["user:{user}"]
    evidence = "vendor spec; the words for a sold-out licence are recalled"
    samples = {
      sku            = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
      disabled_plans = ["3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"]
    }

    post = "/users/{user}/assignLicense"
    json = {
      addLicenses    = [{ skuId = input.sku, disabledPlans = list(input.disabled_plans) }]
      removeLicenses = []
    }

    lookup "license" {}
    # Nobody has the same licence twice.
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
        user = input.user
        sku  = input.sku
      }
    }
  }

  awf "remove_license" {
    achieves = "remove"
    inputs = {
      user = "text"
      sku  = "text"
    }
    locks    = ["user:{user}"]
    evidence = "vendor spec"
    samples  = { sku = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001" }

    post = "/users/{user}/assignLicense"
    json = {
      addLicenses    = []
      removeLicenses = [input.sku]
    }

    lookup "license" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "assign_license" {
      with = {
        user = input.user
        sku  = input.sku
      }
      loss = "which of its plans were switched off, and data that its services dropped meanwhile"
    }
  }

  awf "assign_group_license" {
    achieves = "create"
    inputs = {
      group          = "text"
      sku            = "text"
      disabled_plans = "list(text)"
    }
    optional = ["disabled_plans"]
    locks    = ["group:{group}"]
    evidence = "vendor spec"
    samples = {
      sku            = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
      disabled_plans = ["3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"]
    }

    post = "/groups/{group}/assignLicense"
    json = {
      addLicenses    = [{ skuId = input.sku, disabledPlans = list(input.disabled_plans) }]
      removeLicenses = []
    }

    lookup "group_license" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "remove_group_license" {
      with = {
        group = input.group
        sku   = input.sku
      }
    }
  }

  awf "remove_group_license" {
    achieves = "remove"
    inputs = {
      group = "text"
      sku   = "text"
    }
    locks    = ["group:{group}"]
    evidence = "vendor spec"
    samples = {
      sku            = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
      disabled_plans = ["3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"]
    }

    post = "/groups/{group}/assignLicense"
    json = {
      addLicenses    = []
      removeLicenses = [input.sku]
    }

    lookup "group_license" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "assign_group_license" {
      with = {
        group          = input.group
        sku            = input.sku
        disabled_plans = snapshot.disabled_plans
      }
      loss = "data that the services of its members dropped meanwhile"
    }
  }

  # It changes nothing that is as it should be; nothing shows that it was done.
  awf "reprocess_license" {
    inputs   = { user = "text" }
    locks    = ["user:{user}"]
    evidence = "vendor spec"

    post = "/users/{user}/reprocessLicenseAssignment"

    ambiguous "park" {}
    nothing_to_undo = "it repairs what groups assign, and assigns nothing itself"
  }

  read "users" {
    kind = "user"
    get  = "/users"
    query = {
      "$select" = "id,userPrincipalName,mail"
      "$top"    = 999
    }
    evidence = "recalled: the listing of those whose licences are read"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = item.id
    text {
      user_principal_name = item.userPrincipalName
      email               = item.mail
    }
  }

  read "licenses" {
    kind     = "license"
    for_each = "user"
    get      = "/users/{parent}/licenseDetails"
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.error.code == "Request_ResourceNotFound" }
    items = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = concat(input.parent, "/", item.skuId)
    text {
      user        = input.parent
      sku         = item.skuId
      part_number = item.skuPartNumber
    }
  }
}
