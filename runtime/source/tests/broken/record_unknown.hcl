entity "device" {
  mint   = idp.device
  handle = "serial"
  attribute "serial" {
    type = "text"
    from = [idp.user.serial, hr.worker.emial, idp.user]
  }
  link "chat" {
    kind   = "members"
    record = "id"
    entity = "serial"
  }
  link "hr" {
    kind   = "worker"
    record = "mail"
    entity = "serial"
  }
}
