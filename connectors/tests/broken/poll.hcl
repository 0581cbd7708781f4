# in base
    lookup "seat" {}
    ambiguous "probe" { window = "10s" }
# becomes
    poll {
      get    = "/jobs/{output.job}"
      done   = response.body.done == true
      within = "5m"
    }
    lookup "seat" {}
    ambiguous "probe" { window = "10s" }
