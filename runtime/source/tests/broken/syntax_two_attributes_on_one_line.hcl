facet "identity" "mail" { system = "idp"  set = true }
