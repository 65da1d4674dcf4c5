//! Converters: what they make of values, most of it from the reference's own tests.

use ottl::{Context, Expression, Value};

use super::telemetry::{holds, value};

/// Each text is a condition that must hold.
#[track_caller]
fn check(conditions: &[&str]) {
    for condition in conditions {
        assert_eq!(holds(Context::Span, condition), Ok(true), "{condition}");
    }
}

#[track_caller]
fn check_fails(expressions: &[&str]) {
    for expression in expressions {
        let result = value(expression);
        assert!(result.is_err(), "{expression}: {result:?}");
    }
}

#[track_caller]
fn check_refused(expressions: &[&str]) {
    for expression in expressions {
        let compiled = Expression::compile(Context::Span, expression);
        assert!(compiled.is_err(), "{expression} compiles");
    }
}

#[test]
fn types_are_told_and_converted() {
    check(&[
        r#"IsString(attributes["text"]) and not IsString(attributes["int"])"#,
        r#"IsInt(attributes["int"]) and not IsInt(attributes["double"])"#,
        r#"IsDouble(attributes["double"]) and not IsDouble(attributes["missing"])"#,
        r#"IsBool(attributes["bool"]) and not IsBool(attributes["text"])"#,
        r#"IsMap(attributes["map"]) and IsMap(attributes) and not IsMap(attributes["list"])"#,
        r#"IsList(attributes["list"]) and IsList(events) and not IsList(attributes["map"])"#,
        r#"Int("17") == 17 and Int(1.9) == 1 and Int(true) == 1 and Int("x") == nil and Int(attributes["missing"]) == nil"#,
        r#"Int(Double("1e300")) == -9223372036854775807 - 1"#,
        r#"Double("1.5") == 1.5 and Double(2) == 2.0 and Double(false) == 0.0"#,
        r#"Bool("T") and Bool(2) and not Bool(0.0)"#,
        r#"String(attributes["int"]) == "42" and String(1.0) == "1" and String(true) == "true""#,
        r#"String(attributes["bytes"]) == "0102ff""#,
        r#"String(attributes["map"]) == "{\"a\":{\"x\":\"\\u003cy\\u003e\"},\"b\":1}""#,
        r#"String(attributes["list"]) == "[\"a\",2,[3]]""#,
        r#"String(attributes["missing"]) == nil"#,
        r#"String(span_id) == "[1,2,3,4,5,6,7,8]""#,
        r#"String(Double("1e21")) == "1e+21" and String(0.0000001) == "1e-7" and String(100000000000000000000.0) == "100000000000000000000""#,
        r#"Len("äb") == 3 and Len(attributes["map"]) == 2 and Len(attributes["list"]) == 3 and Len(["a"]) == 1 and Len({}) == 0"#,
    ]);
    check_fails(&[
        r#"Double(attributes["text"])"#,
        r#"Bool(attributes["text"])"#,
        "Len(kind)",
        r#"Int(attributes["map"])"#,
    ]);
    check_refused(&[
        r#"Double("x")"#,
        r#"Double("äé")"#,
        r#"Double("-nan")"#,
        "IsString(1)",
        r#"IsMatch("a", "(")"#,
        r#"IsMatch("a", "a(?=b)")"#,
    ]);
}

#[test]
fn text_is_matched_cut_and_joined() {
    check(&[
        r#"IsMatch(name, "^GET") and IsMatch(kind, "2") and not IsMatch(attributes["missing"], ".*")"#,
        r#"IsMatch(attributes["text"], attributes["pattern"])"#,
        r#"HasPrefix(name, "GET") and HasSuffix(name, "pay") and not HasPrefix(name, "get")"#,
        r#"Concat(["a", 1, true, attributes["missing"], 1.5], "-") == "a-1-true-<nil>-1.5""#,
        r#"Concat([], "-") == """#,
        r#"Split("a|b|c", "|")[1] == "b" and Len(Split("a", ",")) == 1 and Len(Split("äb", "")) == 2"#,
        r#"Substring("abcdef", 1, 3) == "bcd" and Substring("aäb", 0, 2, true) == "a" and Substring("aäb", 2, 2, true) == "b""#,
        r#"Trim("  a ") == "a" and Trim("xyaxy", "yx") == "a""#,
        r#"TrimPrefix("abc", "a") == "bc" and TrimSuffix("abc", "c") == "ab" and TrimSuffix("abc", "x") == "abc""#,
        r#"ToLowerCase("ÄB") == "äb" and ToUpperCase("äß") == "Äß" and ConvertCase("Ab", "upper") == "AB""#,
        r#"ToSnakeCase("simpleString") == "simple_string" and ToSnakeCase("CPUUtilizationMetric") == "cpu_utilization_metric""#,
        r#"ToSnakeCase("some string-with.all") == "some_string_with_all" and ToSnakeCase("number1two") == "number_1_two""#,
        r#"ToCamelCase("simple_string") == "SimpleString" and ToCamelCase("a1b c") == "A1BC" and ToCamelCase("ABC") == "Abc""#,
        r#"Index("hello", "l") == 2 and Index([1, 2.0, "x"], 2) == 1 and Index([1], 5) == -1"#,
        r#"Format("%s is %03d, %.2f, %v, %t%%", ["a", 7, 1.005, 0.5, true]) == "a is 007, 1.00, 0.5, true%""#,
        r#"Format("%d", ["x"]) == "%!d(string=x)" and Format("%5s|%-5s|", ["a", "b"]) == "    a|b    |""#,
        r#"Format("%e", [1234.5]) == "1.234500e+03" and Format("%x", [255]) == "ff" and Format("%+d", [5]) == "+5""#,
    ]);
    check_fails(&[
        r#"Substring("abc", 1, 3)"#,
        r#"Substring("abc", -1, 1)"#,
        r#"Substring("abc", 0, 0)"#,
        r#"Substring("aä", 0, 2)"#,
        r#"HasPrefix(attributes["int"], "a")"#,
    ]);
    check_refused(&[
        r#"ConvertCase("a", "title")"#,
        r#"Substring("a", 0)"#,
        r#"Concat("a", "-")"#,
    ]);
}

#[test]
fn hashes_and_encodings_are_those_of_the_reference() {
    check(&[
        r#"SHA1("hello world") == "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed""#,
        r#"SHA256("hello world") == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9""#,
        r#"HasPrefix(SHA512("hello world"), "309ecc489c12d6eb4cc40f50c902f2b4d0ed77ee511a7c7a9bcd3ca86d4cd86f")"#,
        r#"MD5("hello world") == "5eb63bbbe01eeed093cb22bb8f5acdc3""#,
        r#"FNV("hello world") == 8618312879776256743"#,
        r#"Murmur3Hash("Hello World") == "ce837619" and Murmur3Hash("") == "00000000""#,
        r#"Murmur3Hash128("Hello World") == "dbc2a0c1ab26631a27b4c09fcf1fe683""#,
        r#"XXH3("hello world") == "d447b1ea40e6988b" and XXH128("hello world") == "df8d09e93f874900a99b8775cc15b6c7""#,
        r#"Hex("abc") == "616263" and Hex(1) == "0000000000000001" and Hex(true) == "01" and Hex(attributes["bytes"]) == "0102ff""#,
        r#"Base64Decode("aGVsbG8=") == "hello" and Base64Encode("hello") == "aGVsbG8=" and Base64Encode("hello", "base64-raw-url") == "aGVsbG8""#,
        r#"Decode("aGVsbG8", "base64-raw") == "hello" and Decode(0x6100, "utf-16le") == "a" and Decode(0xe4, "iso-8859-1") == "ä""#,
        r#"CommunityID("10.0.0.1", 12345, "10.0.0.2", 80) == CommunityID("10.0.0.2", 80, "10.0.0.1", 12345)"#,
        r#"CommunityID("128.232.110.120", 34855, "66.35.250.204", 80, "TCP") == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=""#,
        r#"IsInCIDR("10.1.2.3", ["192.168.0.0/16", "10.0.0.0/8"]) and not IsInCIDR("x", ["::/0"]) and IsInCIDR("::1", ["::/0"])"#,
        r#"not IsInCIDR("10.1.2.3", ["::/0"]) and IsInCIDR("::ffff:10.1.2.3", ["10.0.0.0/8"])"#,
        r#"IsValidLuhn("17893729974") and IsValidLuhn("4539 1488 0343 6467") and not IsValidLuhn(17893729975)"#,
        r#"TraceID("0102030405060708090a0b0c0d0e0f10") == trace_id and SpanID(0x0102030405060708) == span_id"#,
    ]);
    check_fails(&[
        r#"Base64Decode("aGVsbG8")"#,
        r#"IsValidLuhn("12a")"#,
        r#"SHA1(attributes["int"])"#,
    ]);
    check_refused(&[
        "TraceID(0x01)",
        r#"SpanID("zz02030405060708")"#,
        r#"SpanID("0x02030405060708")"#,
        r#"SpanID("0x0102030405060708")"#,
        r#"IsInCIDR("10.0.0.1", ["10.0.0.0"])"#,
        r#"Decode("a", "klingon")"#,
    ]);
}

#[test]
fn structure_is_read_out_of_text() {
    check(&[
        r#"ParseJSON(attributes["json"])["a"][1] == 2.5 and ParseJSON(attributes["json"])["b"]["c"] == -1"#,
        r#"ParseJSON("[1, \"x\"]")[1] == "x" and ParseJSON(attributes["json"])["a"][0] == 1"#,
        r#"ParseKeyValue("k1=v1 k2='v 2' k3=\"a=b\"") == {"k1": "v1", "k2": "v 2", "k3": "a=b"}"#,
        r#"ParseKeyValue("a:1|b:2", ":", "|")["b"] == "2""#,
        r#"ToKeyValueString({"b": 1, "a": "x y"}, sort_output=true) == "a=\"x y\" b=1""#,
        r#"ParseCSV("1,\"2,3\",", "a,b,c") == {"a": "1", "b": "2,3", "c": ""}"#,
        r#"ParseCSV("1\t2", "a,b", delimiter="\t", headerDelimiter=",") == {"a": "1", "b": "2"}"#,
        r#"ParseCSV("a\"b,c", "x,y", mode="ignoreQuotes")["x"] == "a\"b""#,
        r#"ExtractPatterns("a=1", "(?P<key>\\w+)=(?P<value>\\d)") == {"key": "a", "value": "1"}"#,
        r#"ExtractPatterns("x", "(?P<key>a)") == {}"#,
        r#"ParseInt("ff", 16) == 255 and ParseInt("-0b11", 0) == -3 and ParseInt("0o17", 0) == 15 and ParseInt("1_000", 0) == 1000"#,
        r#"URL(attributes["url"])["url.domain"] == "example.com" and URL(attributes["url"])["url.port"] == 8080"#,
        r#"URL(attributes["url"])["url.path"] == "/a/b.html" and URL(attributes["url"])["url.extension"] == "html""#,
        r#"URL(attributes["url"])["url.query"] == "c=d" and URL(attributes["url"])["url.fragment"] == "e""#,
        r#"URL("http://u:p@h/%41")["url.username"] == "u" and URL("http://u:p@h/%41")["url.path"] == "/A""#,
        r#"URL("?a=1&a=2")["query"]["a"] == ["1", "2"]"#,
        r#"SliceToMap([{"n": "a", "v": 1}, {"n": "b", "v": 2}], ["n"], ["v"]) == {"a": 1, "b": 2}"#,
        r#"SliceToMap(["x"]) == {"0": "x"}"#,
        r#"Sort([3, 1, 2]) == [1, 2, 3] and Sort(["b", "a"], "desc") == ["b", "a"] and Sort([true, "a", 1]) == [1, "a", true]"#,
        r#"Sort([3, 1.5, 2]) == [1.5, 2, 3] and Sort([[2], [1]]) == [[2], [1]]"#,
        r#"Len(Keys(attributes["map"])) == 2 and ContainsValue(Keys(attributes["map"]), "a") and ContainsValue(Values(attributes["map"]), 1.0)"#,
        r#"Coalesce([attributes["missing"], attributes["int"], 1]) == 42 and Coalesce([]) == nil"#,
        r#"ParseSeverity(3, {"error": [{"range": {"min": 1, "max": 4}}], "warn": [{"equals": ["w"]}]}) == "error""#,
        r#"ParseSeverity(404, {"error": [{"range": "4xx"}]}) == "error""#,
        "Log(1) == 0.0",
    ]);
    check_fails(&[
        r#"ParseJSON("1")"#,
        r#"ParseJSON("{")"#,
        r#"ParseKeyValue("a")"#,
        r#"ParseKeyValue("a='b")"#,
        r#"ParseCSV("1", "a,b")"#,
        r#"ParseCSV("a\"b", "x")"#,
        r#"ParseJSON("{}")["a"]"#,
        r#"Split("a", ",")[1]"#,
        r#"ParseInt("z", 10)"#,
        r#"URL("http://[::1")"#,
        r#"URL("http://h/%zz")"#,
        "Log(0)",
        r#"ExtractPatterns("a", "a")"#,
    ]);
    check_refused(&[
        r#"Sort([1], "up")"#,
        r#"ParseCSV("a", "a", mode="x")"#,
        r#"ParseKeyValue("a", "=", "=")"#,
        "ParseSeverity(1, attributes)",
    ]);
}

#[test]
fn times_are_read_written_and_taken_apart() {
    check(&[
        r#"Duration("1h15m30.918273645s") == Duration("4530918273645ns") and Duration("-1.5h") == Duration("-90m") and Duration("0") == Duration("0s")"#,
        r#"Hours(Duration("90m")) == 1.5 and Minutes(Duration("90s")) == 1.5 and Seconds(Duration("1500ms")) == 1.5"#,
        r#"Milliseconds(Duration("1.5s")) == 1500 and Microseconds(Duration("1ms")) == 1000 and Nanoseconds(Duration("1us")) == 1000"#,
        r#"Time("2023-04-12", "%Y-%m-%d") == Unix(1681257600)"#,
        r#"Time("1986-10-01T00:17:33Z", "%Y-%m-%dT%H:%M:%SZ") == Unix(528509853)"#,
        r#"Time("2012-11-01T22:08:41+0300", "%Y-%m-%dT%H:%M:%S%z") == Unix(1351796921)"#,
        r#"Time("Jan 2 2006 3:04:05.123 pm", "%b %e %Y %I:%M:%S.%L %p") == Unix(1136214245, 123000000)"#,
        r#"Hour(Time("2012-11-01T22:08:41+03:00", "%FT%T%j")) == 22"#,
        r#"FormatTime(Unix(1136214245, 120000000), "%Y-%m-%d %H:%M:%S.%L %a %B %p %I") == "2006-01-02 15:04:05.12 Mon January PM 03""#,
        r#"FormatTime(Unix(0), "%FT%T.%sZ") == "1970-01-01T00:00:00Z""#,
        "Year(start_time) == 2023 and Month(start_time) == 11 and Day(start_time) == 14 and Weekday(start_time) == 2",
        "Hour(start_time) == 22 and Minute(start_time) == 13 and Second(start_time) == 20 and Nanosecond(end_time) == 500000000",
        "UnixSeconds(end_time) == 1700000002 and UnixMilli(end_time) == 1700000002500 and UnixMicro(start_time) == 1700000000000000 and UnixNano(start_time) == start_time_unix_nano",
        r#"TruncateTime(end_time, Duration("1s")) == Unix(1700000002) and TruncateTime(end_time, Duration("0s")) == end_time"#,
        r#"String(start_time) == "\"2023-11-14T22:13:20Z\"""#,
    ]);
    check_fails(&[
        r#"Duration("1")"#,
        r#"Duration("1x")"#,
        r#"Time("2023-02-30", "%Y-%m-%d")"#,
        r#"Time("", "%Y")"#,
        r#"Time("2023-1", "%Y-%m-%d")"#,
    ]);
    check_refused(&[
        r#"Time("a", "")"#,
        r#"Time("a", "%Q")"#,
        r#"Time("a", "%Y", "Mars/Base")"#,
        r#"FormatTime("a", "%Y")"#,
        "Now()",
        "UUID()",
    ]);
}

#[test]
fn results_of_converters_are_indexed_and_values_come_out_whole() {
    assert_eq!(value("kind + 1"), Ok(Value::Int(3)));
    assert_eq!(value("nil"), Ok(Value::Nil));
    check(&[
        r#"{"a": [1, {"b": attributes["int"]}]} == {"a": [1, {"b": 42}]}"#,
        r#"{"a": 1, "a": 2} == {"a": 2}"#,
    ]);
    check_fails(&[
        r#"Split("a", ",")["a"]"#,
        r#"Concat(["a"], "")[0]"#,
        r#"{"a": start_time}"#,
        "ContainsValue([trace_id], 1)",
    ]);
}
