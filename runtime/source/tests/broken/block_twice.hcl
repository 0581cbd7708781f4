runbook "r" {
  plan = "p"
  variant "v1" {
    node "groups" {
      awf = chat.greet
      with { to = person.email }
      with { text = "hi" }
    }
  }
}
