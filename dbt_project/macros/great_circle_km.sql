{#- Kilometres between two places, in degrees, on a globe: NULL where one is not known. -#}
{% macro great_circle_km(latitude, longitude, other_latitude, other_longitude) -%}
    {%- set half_radian = '(acos(-1) / 360)' -%}
    2 * 6371 * asin(sqrt(least(
        1,
        pow(sin(({{ other_latitude }} - {{ latitude }}) * {{ half_radian }}), 2)
        + cos({{ latitude }} * 2 * {{ half_radian }})
        * cos({{ other_latitude }} * 2 * {{ half_radian }})
        * pow(sin(({{ other_longitude }} - {{ longitude }}) * {{ half_radian }}), 2)
    )))
{%- endmacro %}
