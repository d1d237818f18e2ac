# One dataset: the product has no setting for a dataset by layer yet. Layers are kept apart by table (marts) and by
# column (policy tags).
resource "google_bigquery_dataset" "payments" {
  dataset_id                 = var.dataset
  location                   = var.location
  description                = "Payments, each counted once, with the ledger that proves it."
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
