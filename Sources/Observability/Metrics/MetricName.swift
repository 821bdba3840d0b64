/// Turns the labels of swift-metrics into names that Prometheus accepts.
///
/// Every character outside `[a-zA-Z0-9_:]` becomes `_`; counters end in `_total` and timers in
/// `_seconds`, because that is what a reader of the text relies on.
enum MetricName {
    static func counter(_ label: String) -> String {
        let name = sanitized(label)
        return name.hasSuffix("_total") ? name : name + "_total"
    }

    static func timer(_ label: String) -> String {
        let name = sanitized(label)
        return name.hasSuffix("_seconds") ? name : name + "_seconds"
    }

    static func sanitized(_ label: String) -> String {
        legal(label, allowsColon: true)
    }

    /// The labels as they stand between the braces, sorted by name; empty for none.
    static func labels(_ dimensions: [(String, String)]) -> String {
        if dimensions.isEmpty { return "" }
        return
            dimensions
            .map { (legalLabel($0.0), escaped($0.1)) }
            .sorted { $0.0 < $1.0 }
            .map { "\($0.0)=\"\($0.1)\"" }
            .joined(separator: ",")
    }

    /// The same label names, each with the value that stands for all that were refused.
    static func overflowLabels(_ dimensions: [(String, String)]) -> String {
        labels(dimensions.map { ($0.0, "_overflow") })
    }

    /// `le` belongs to histograms and two leading underscores to Prometheus itself.
    private static func legalLabel(_ name: String) -> String {
        let legal = legal(name, allowsColon: false)
        return legal == "le" || legal.hasPrefix("__") ? "label_" + legal : legal
    }

    private static func legal(_ text: String, allowsColon: Bool) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 1)
        for byte in text.utf8 {
            switch byte {
            case 0x41...0x5A, 0x61...0x7A, 0x5F: bytes.append(byte)
            case 0x3A where allowsColon: bytes.append(byte)
            case 0x30...0x39:
                if bytes.isEmpty { bytes.append(0x5F) }
                bytes.append(byte)
            default: bytes.append(0x5F)
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }

    /// Values may hold any text, so the three characters that would end them are escaped, and
    /// long ones are cut: a label is a category, not a payload.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars.prefix(256) {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
