import JSONText
import Timekeeping

extension CloudEvent {
    /// The event as JSON on one line.
    ///
    /// Attributes come first and the payload last, so that a person reading a channel sees
    /// what happened to what before the details.
    public func json() -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(data.count + 448)
        text.append(ascii: "{\"specversion\":\"1.0\",\"id\":\"")
        text.append(escaped: id)
        text.append(ascii: "\",\"source\":\"")
        text.append(escaped: source)
        text.append(ascii: "\",\"type\":\"")
        text.append(escaped: type)
        text.append(ascii: "\",\"subject\":\"")
        text.append(escaped: subject)
        text.append(ascii: "\",\"time\":\"")
        Timestamp(milliseconds: time).append(to: &text)
        text.append(ascii: "\",\"correlationid\":\"")
        text.append(escaped: correlationID)
        text.append(attribute: "\",\"causationid\":\"", causationID)
        text.append(attribute: "\",\"traceparent\":\"", traceparent)
        text.append(attribute: "\",\"coordination\":\"", coordination)
        text.append(attribute: "\",\"route\":\"", route)
        text.append(UInt8(ascii: "\""))
        if dataVersion > 1 {
            text.append(ascii: ",\"dataversion\":")
            text.append(contentsOf: String(dataVersion).utf8)
        }
        text.append(ascii: ",\"data\":")
        text.append(onOneLine: data)
        text.append(UInt8(ascii: "}"))
        return text
    }
}

extension [UInt8] {
    fileprivate mutating func append(ascii text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    fileprivate mutating func append(attribute name: StaticString, _ value: String?) {
        guard let value else { return }
        append(ascii: name)
        append(escaped: value)
    }

    /// A line break can only stand between JSON's tokens, where a space means the same.
    fileprivate mutating func append(onOneLine json: [UInt8]) {
        let start = count
        append(contentsOf: json)
        guard json.withUnsafeBufferPointer({ $0.hasLineBreak }) else { return }
        for index in start..<count where self[index] == 0x0A || self[index] == 0x0D {
            self[index] = 0x20
        }
    }
}
