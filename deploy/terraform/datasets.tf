locals {
  layers = {
    raw = {
      dataset     = var.raw_dataset
      description = "Payments as they were delivered and as people judge them: what names a person is here."
    }
    operations = {
      dataset     = var.dataset
      description = "The ledger that proves that each payment is counted once, and all else that is operations."
    }
    marts = {
      dataset     = var.marts_dataset
      description = "What people read: made by dbt from the other two."
    }
  }
}

resource "google_bigquery_dataset" "layer" {
  for_each                   = local.layers
  dataset_id                 = each.value.dataset
  location                   = var.location
  description                = each.value.description
  delete_contents_on_destroy = false
  max_time_travel_hours      = 168

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key == "" ? [] : [var.kms_key]

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Before there were layers there was one dataset.
moved {
  from = google_bigquery_dataset.payments
  to   = google_bigquery_dataset.layer["operations"]
}

# Where `payments backtest` scores made-up payments.
resource "google_bigquery_dataset" "backtest" {
  dataset_id                 = "${var.dataset}_backtest"
  location                   = var.location
  description                = "Made-up payments, by which fraud rules are judged."
  delete_contents_on_destroy = true

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key == "" ? [] : [var.kms_key]

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
}
