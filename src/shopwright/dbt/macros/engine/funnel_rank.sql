{#
    The rank of a type of event, null for anything else: actions of one moment are put in the order in which a shopper
    can do them. One sees, then takes, then pays.
#}
{% macro funnel_rank_of(event_type) -%}
    case {{ event_type }}
        when 'page_view' then 0
        when 'search' then 1
        when 'product_view' then 2
        when 'add_to_cart' then 3
        when 'remove_from_cart' then 4
        when 'begin_checkout' then 5
        when 'purchase' then 6
    end
{%- endmacro %}
