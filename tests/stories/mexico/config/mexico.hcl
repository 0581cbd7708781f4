# What the story of the Mexico sales reps adds to the sample: systems, facets, an outcome, and what it is held to.

system "robin" {
  domain   = "workplace"
  base_url = "https://api.robinpowered.com"
  credential { access_token = "env:XOPS_ROBIN_TOKEN" }
}

system "verkada" {
  domain   = "workplace"
  base_url = "https://api.verkada.com"
  credential { api_key = "env:XOPS_VERKADA_KEY" }
}

system "telnyx_mobile" {
  domain   = "communications"
  base_url = "https://api.telnyx.com/v2"
  credential { api_key = "env:XOPS_TELNYX_KEY" }
}

object "app" "salesforce" { id = "0oa1salesforce000000" }
object "app" "outreach" { id = "0oa1outreach00000000" }
object "app" "gong" { id = "0oa1gong000000000000" }
object "app" "zoom" { id = "0oa1zoom000000000000" }
object "app" "visio" { id = "0oa1visio00000000000" }

object "site" "mex_cdmx" {
  id            = "MEX-CDMX"
  seat          = 4711
  from          = "2026-12-01T09:00:00Z"
  to            = "2026-12-01T18:00:00Z"
  facility_code = "52"
}

setting "mobile_sim" { type = "text" }

layer "country" "MX" {
  set { mobile_sim = "6a09cdc3-8948-47f0-aa62-74ac943d6c58" }
}

facet "software" "grants" {
  system = "okta"
  set    = true
  after  = [facet.identity.account]
}

route "create" "software" "grants" {
  awf = okta.assign_app_to_user
  with {
    app  = facet.id
    user = link.okta.id
  }
}

route "remove" "software" "grants" {
  awf = okta.remove_app_from_user
  with {
    app  = facet.id
    user = link.okta.id
  }
}

facet "communications" "mobile_line" { system = "telnyx_mobile" }

route "create" "communications" "mobile_line" {
  awf = telnyx_mobile.enable_sim
  with { sim = setting.mobile_sim }
}

facet "workplace" "desk" { system = "robin" }

route "create" "workplace" "desk" {
  awf = robin.reserve_desk
  with {
    seat  = facet.seat
    email = person.email
    start = facet.from
    end   = facet.to
  }
}

facet "workplace" "badge" { system = "verkada" }

route "create" "workplace" "badge" {
  awf = verkada.add_badge_card
  with {
    user          = person.worker_id
    type          = "HID 37bit w/ Facility Code"
    card_number   = person.worker_id
    facility_code = facet.facility_code
  }
}

# Laptop, identity, email, CRM: what was declared for new Mexico sales reps.
outcome "MX Sales Rep" {
  title  = "onboarding / MX Sales Rep"
  entity = "person"
  for    = person.title == "Sales Rep" && person.country == "MX"

  identity { account = "present" }
  service { laptop = "ordered" }
  software { grants = [app.salesforce, app.visio] } # CRM
}

requirement "mobile-mx-field" {
  title       = "field reps in Mexico are issued a company mobile line"
  because     = "policy"
  approved_by = "role policy board, 2026-03-02"
  entity      = "person"
  for         = person.title == "Sales Rep" && person.country == "MX"

  communications { mobile_line = "active" }
}

requirement "site-mex-cdmx" {
  title       = "site access at the Mexico City office needs a desk and a badge"
  because     = "site"
  approved_by = "workplace, 2026-01-15"
  entity      = "person"
  for         = person.location == "Mexico City"

  workplace {
    desk  = site.mex_cdmx
    badge = site.mex_cdmx
  }
}

peers "by_title" {
  entity    = "person"
  of        = person.status == "active"
  by        = [["title", "country"], ["title"]]
  at_least  = 5
  expected  = 80
  suggested = 50
  excess    = 5
  lift      = 120

  evidence "software" "grants" {
    from    = okta.app_user
    record  = "user_name"
    entity  = "email"
    element = "app"
    objects = "app"
  }
}
