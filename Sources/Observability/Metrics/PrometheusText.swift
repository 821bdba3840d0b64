/// Writes the Prometheus text format, version 0.0.4.
///
///     # HELP http_server_requests_total Requests answered.
///     # TYPE http_server_requests_total counter
///     http_server_requests_total{method="GET",route="/users/{id}",status="200"} 17
struct PrometheusText {
    private(set) var bytes: [UInt8] = []

    mutating func family(_ name: String, type: String, help: String?) {
        if let help {
            let escaped = help.unicodeScalars.reduce(into: "") { text, scalar in
                switch scalar {
                case "\\": text += "\\\\"
                case "\n": text += "\\n"
                default: text.unicodeScalars.append(scalar)
                }
            }
            bytes.append(contentsOf: "# HELP \(name) \(escaped)\n".utf8)
        }
        bytes.append(contentsOf: "# TYPE \(name) \(type)\n".utf8)
    }

    mutating func sample(_ name: String, labels: String, value: Int64) {
        line(name, labels: labels, value: String(value))
    }

    mutating func sample(_ name: String, labels: String, value: Double) {
        line(name, labels: labels, value: Self.text(of: value))
    }

    /// Buckets are cumulative in the text, and the count is their last one, so that both agree
    /// whatever is recorded while this is written.
    mutating func histogram(
        _ name: String, labels: String, bounds: [Double], counts: [Int64], sum: Double
    ) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var total: Int64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? Self.text(of: bounds[index]) : "+Inf"
            sample(name + "_bucket", labels: "\(prefix)le=\"\(bound)\"", value: total)
        }
        sample(name + "_sum", labels: labels, value: sum)
        sample(name + "_count", labels: labels, value: total)
    }

    private mutating func line(_ name: String, labels: String, value: String) {
        bytes.append(contentsOf: name.utf8)
        if !labels.isEmpty {
            bytes.append(0x7B)
            bytes.append(contentsOf: labels.utf8)
            bytes.append(0x7D)
        }
        bytes.append(0x20)
        bytes.append(contentsOf: value.utf8)
        bytes.append(0x0A)
    }

    static func text(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }
}
