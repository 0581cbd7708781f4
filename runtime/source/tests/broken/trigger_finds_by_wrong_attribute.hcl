trigger "hr" "left" {
  entity = "person"
  find {
    handl = event.handle
    level = "three"
  }
}
