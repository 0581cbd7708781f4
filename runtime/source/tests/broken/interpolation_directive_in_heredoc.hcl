outcome "x" {
  title  = <<-EOT
    hello %{ if true }you%{ endif }
  EOT
  entity = "person"
  for    = true
  identity { account = "present" }
}
