{% macro repair_encoding(column) -%}
    {#- two letters that stand for the two UTF-8 bytes of one: Ã and the byte less 64, or Â and it -#}
    case
        when regexp_matches({{ column }}, '[ÃÂ][\x{80}-\x{BF}]')
            then list_aggregate(
                list_transform(
                    regexp_extract_all({{ column }}, 'Ã[\x{80}-\x{BF}]|Â[\x{A0}-\x{BF}]|(?s:.)'),
                    lambda letter: case
                        when length(letter) = 1 then letter
                        when letter[1] = 'Ã' then chr(unicode(letter[2]) + 64)
                        else letter[2]
                    end
                ),
                'string_agg',
                ''
            )
        else {{ column }}
    end
{%- endmacro %}
