{#-
    The condition that a row is a payment that moves money: not a refund, reversal, chargeback or fee, and not one that is
    only authorized, failed or canceled. `alias` is the row's table.
-#}
{% macro is_payment_made(alias) -%}
    coalesce({{ alias }}.payment_kind, 'payment') = 'payment' and {{ moves_money(alias) }}
{%- endmacro %}

{#- The condition that money moved, one way or the other. Without a status it did: version 1 has no other payments. -#}
{% macro moves_money(alias) -%}
    coalesce({{ alias }}.status, 'settled') not in ('authorized', 'failed', 'canceled')
{%- endmacro %}
