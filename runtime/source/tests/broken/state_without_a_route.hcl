facet "identity" "mail" { system = "idp" }
runbook "r" {
  plan = "p"
  variant "v1" {
    node "greet" {
      awf = chat.greet
      with {
        to   = state.identity.mail.id
        text = "x"
      }
    }
  }
}
