# Settings, and the layers that set them, lowest first: global, tenant, region, country, site, department, team, device class.
# `layering` says which attribute of the person chooses the layer of a kind.

setting "device_group" { type = "text" }

layering {
  country    = "country"
  site       = "location"
  department = "department"
}

layer "global" {
  set {
    on_reject = "backstep"
    parallel  = 1
  }
  variant { EMP-R-001 = "v3.2" }
}

# The directory group of each department's people, to which device profiles are assigned.
layer "department" "Field Engineering" {
  set { device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001" }
}
layer "department" "Design" {
  set { device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1002" }
}
layer "department" "Data Platform" {
  set { device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1003" }
}
layer "department" "Finance" {
  set { device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1004" }
}
layer "department" "People Operations" {
  set { device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1005" }
}
layer "department" "Sales" {
  set { device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1006" }
}
layer "department" "Customer Success" {
  set { device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1007" }
}
layer "department" "Security" {
  set { device_group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1008" }
}
