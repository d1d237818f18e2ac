{%- do refuse_unrated_currency(ref('fx_rates')) -%}
-- Ten-thousandths, because no currency has a smaller minor unit: both factors are exact, and so is an amount's product
-- with one. The one rounding is done where a payment is valued.
with fx_rates as (
    select * from {{ ref('int_fx_rates__effective') }}
),

reporting as (
    select
        fx_rates.valid_from,
        fx_rates.valid_to,
        cast(fx_rates.eur_per_thousand * cast(currencies.minor_unit_value * 10000 as numeric) as numeric) as divisor
    from fx_rates
    inner join {{ one_row_each(ref('currencies'), 'currency', 'minor_unit_value') }} as currencies using (currency)
    where currencies.minor_unit_value > 0 and currency = {{ reporting_currency() }}
)

select
    fx_rates.currency,
    {{ reporting_currency() }} as reporting_currency,
    greatest(fx_rates.valid_from, reporting.valid_from) as valid_from,
    least(fx_rates.valid_to, reporting.valid_to) as valid_to,
    fx_rates.eur_per_thousand as multiplier,
    reporting.divisor
from fx_rates
inner join reporting on fx_rates.valid_from < reporting.valid_to and fx_rates.valid_to > reporting.valid_from
