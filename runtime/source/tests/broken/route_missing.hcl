facet "identity" "mail" { system = "idp" }
