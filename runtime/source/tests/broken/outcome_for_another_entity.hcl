entity "device" {
  mint   = idp.user
  handle = "serial"
  attribute "serial" {
    type = "text"
    from = idp.user.id
  }
}
trigger "hr" "lost" {
  entity  = "device"
  outcome = outcome.guest
  find { serial = event.serial }
}
