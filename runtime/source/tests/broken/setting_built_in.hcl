setting "on_reject" { type = "text" }
setting "variant.welcome" { type = "text" }
