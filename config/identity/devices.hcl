# Which records are of one device. A serial number that many machines share, or that a maker left to be filled in, says nothing.

identity "device" {
  ids         = ["rec_id", "record_id", "device_id", "id"]
  systems     = ["system", "source_system"]
  linkage     = "one_to_one"
  same        = 400
  review      = -100
  wrong_max   = 500
  members_max = 32

  field "serial" {
    columns    = ["serial", "serial_number", "service_tag"]
    normalise  = ["fold", "alphanumeric"]
    compare    = "code"
    shared_max = 8
    junk = [
      "tobefilledbyoem", "defaultstring", "systemserialnumber", "notspecified", "notapplicable", "none", "null", "na", "unknown",
      "invalid", "oem", "chassisserialnumber", "baseboardserialnumber", "empty", "test", "default", "0", "00000000", "000000000",
      "0123456789", "123456789", "1234567890", "111111111", "ffffffff", "xxxxxxxxxx", "parallels", "vmware",
    ]
  }
  field "asset_tag" {
    columns    = ["asset_tag", "asset", "inventory_number"]
    normalise  = ["fold", "alphanumeric"]
    compare    = "code"
    shared_max = 8
    junk       = ["noassettag", "noassettaginformation", "assettag", "none", "null", "na", "unknown", "0", "defaultstring", "tobefilledbyoem"]
  }
  field "hardware_id" {
    columns    = ["hardware_id", "uuid", "smbios_uuid", "udid"]
    normalise  = ["fold", "alphanumeric"]
    compare    = "code"
    shared_max = 8
    junk       = ["00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff", "03000200040005000006000700080009", "none", "unknown"]
  }
  field "imei" {
    columns    = ["imei", "meid"]
    normalise  = ["digits"]
    compare    = "code"
    shared_max = 8
    junk       = ["000000000000000", "004999010640000"]
  }
  field "mac_address" {
    columns    = ["mac_address", "mac", "wifi_mac", "ethernet_mac"]
    normalise  = ["fold", "alphanumeric"]
    compare    = "code"
    shared_max = 8
    junk       = ["000000000000", "ffffffffffff", "020000000000"]
  }
  field "hostname" {
    columns    = ["hostname", "device_name", "computer_name", "name"]
    normalise  = ["fold", "alphanumeric"]
    compare    = "code"
    shared_max = 50
    junk       = ["localhost", "unknown", "none", "desktop", "laptop", "iphone", "ipad", "android"]
  }
  field "manufacturer" {
    columns   = ["manufacturer", "make", "vendor"]
    normalise = ["fold", "first"]
    compare   = "exact"
  }
  field "model" {
    columns   = ["model", "model_name", "device_model"]
    normalise = ["fold"]
    compare   = "text"
  }
  field "owner" {
    columns   = ["owner", "assigned_to", "primary_user", "user", "email"]
    normalise = ["fold"]
    compare   = "text"
  }

  # Machines of one batch are of one model, and often have serial numbers and names that follow one another.
  relation "bought together" {
    shares       = ["manufacturer", "model", "owner"]
    per_thousand = 300
  }
  # A person who got a new machine: the name and the owner went with them.
  relation "replaced" {
    shares       = ["hostname", "owner", "manufacturer"]
    per_thousand = 50
  }
  relation "a dock or an adapter that goes around" {
    shares       = ["mac_address"]
    per_thousand = 5
  }

  # One board may get a new name and a new owner, but two serial numbers that are both real are two machines.
  veto "two serial numbers" { differs = ["serial", "hardware_id"] }

  block { keys = ["serial"] }
  block { keys = ["asset_tag"] }
  block { keys = ["hardware_id"] }
  block { keys = ["imei"] }
  block { keys = ["mac_address"] }
  block { keys = ["hostname"] }
  block { keys = ["serial:front(6)", "model"] }
  block { keys = ["serial:back(6)"] }
  block { keys = ["owner", "model"] }
}
