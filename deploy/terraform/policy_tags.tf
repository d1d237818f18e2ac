# Columns that name a person. The tags are attached to the columns once the tables are there: docs/going-to-production.md.
locals {
  tags = {
    account_ids = { title = "Account ids", masked_as = "SHA256" }
    addresses   = { title = "Network addresses and devices", masked_as = "SHA256" }
    raw_values  = { title = "Records as they came", masked_as = "ALWAYS_NULL" }
  }
}

resource "google_data_catalog_taxonomy" "payments" {
  region                 = lower(var.location)
  display_name           = "Payments"
  description            = "What names a person in the payments datasets."
  activated_policy_types = ["FINE_GRAINED_ACCESS_CONTROL"]
}

resource "google_data_catalog_policy_tag" "this" {
  for_each     = local.tags
  taxonomy     = google_data_catalog_taxonomy.payments.id
  display_name = each.value.title
}

resource "google_bigquery_datapolicy_data_policy" "masked" {
  for_each         = local.tags
  location         = lower(var.location)
  data_policy_id   = "payments_${each.key}"
  policy_tag       = google_data_catalog_policy_tag.this[each.key].name
  data_policy_type = "DATA_MASKING_POLICY"

  data_masking_policy {
    predefined_expression = each.value.masked_as
  }
}

resource "google_data_catalog_policy_tag_iam_member" "fine_grained" {
  for_each   = { for name, grant in local.on_tags : name => grant if startswith(grant.role, "roles/datacatalog.") }
  policy_tag = google_data_catalog_policy_tag.this[each.value.tag].name
  role       = each.value.role
  member     = each.value.member
}

resource "google_bigquery_datapolicy_data_policy_iam_member" "masked" {
  for_each       = { for name, grant in local.on_tags : name => grant if startswith(grant.role, "roles/bigquerydatapolicy.") }
  location       = lower(var.location)
  data_policy_id = google_bigquery_datapolicy_data_policy.masked[each.value.tag].data_policy_id
  role           = each.value.role
  member         = each.value.member
}
