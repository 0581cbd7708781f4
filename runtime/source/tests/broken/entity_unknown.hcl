outcome "x" {
  entity = "persn"
  for    = true
  identity { account = "present" }
}
trigger "hr" "left" {
  entity = "people"
  find { handle = event.handle }
}
