system "extra" {
}
runbook "r" {
  variant "v1" {
    node "a" {
    }
  }
}
trigger "hr" "left" {
}
schedule "s" {
}
