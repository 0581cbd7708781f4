entity "google_endpoint_chromebook" {
  mint   = google_endpoint.chromebook
  handle = "serial"

  attribute "last_sync" {
    type     = "text"
    personal = true
    from     = google_endpoint.chromebook.last_sync
  }

  attribute "serial" {
    type     = "text"
    personal = true
    from     = google_endpoint.chromebook.serial
  }

  attribute "user_email" {
    type     = "text"
    personal = true
    from     = google_endpoint.chromebook.user_email
  }
}
