# in base
manifest "crm" {
# becomes
manifest "CRM-1" {
