entity "device" {
  mint   = idp.user
  handle = "serial"
  attribute "serial" {
    type = "text"
    from = [idp.user.id, hr.worker.level]
  }
  attribute "until" {
    type = "date"
    from = idp.user.status
  }
}
