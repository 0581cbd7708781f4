facet "identity" "mail" {
  system = "idp"
  mode   = "aditive"
}
runbook "r" {
  plan      = "p"
  on_reject = "retry"
  variant "v1" {
    node "a" {
      awf       = chat.greet
      on_reject = "undo"
      with {
        to   = person.email
        text = "x"
      }
    }
  }
}
