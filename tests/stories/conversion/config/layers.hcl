# The sample's settings, without variants: nothing here has a runbook.
setting "device_group" { type = "text" }

layering {
  country    = "country"
  site       = "location"
  department = "department"
}

layer "global" {
  set {
    on_reject    = "backstep"
    parallel     = 1
    device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"
  }
}
