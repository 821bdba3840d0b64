extension Changes {
    /// Makes a hash record of a value: of each of its members a field, and no others.
    ///
    ///     try changes.set("stay:\(id)", Stay(room: "12", nights: 3))
    ///
    /// A text stands in its field as it is, numbers and booleans as JSON writes them, a `Date` as
    /// RFC 3339 to the millisecond, what has parts as JSON; what is nil has no field, and a value
    /// without any leaves no record. Conditions and `increment` see its fields by the names of its
    /// members. `RecordReader.value(_:of:)` reads it.
    ///
    /// - Throws: `undecodable` if it has no members, as a number alone, or cannot be encoded.
    public mutating func set(
        _ record: RecordName, _ value: some Encodable
    ) throws(SagaError) {
        let fields = try RecordFields.encode(value, of: record)
        delete(record)
        set(record, fields)
    }
}

extension RecordReader {
    /// The value whose members a hash record's fields are; nil if there is no record.
    ///
    ///     let stay = try await context.records.value(Stay.self, of: "stay:\(id)")
    ///
    /// Fields that the value does not have are left out. Numbers are exact, or none.
    ///
    /// - Throws: `undecodable`, naming the field that is missing or holds something else, but not
    ///   what it holds.
    public func value<Value: Decodable>(
        _ type: Value.Type, of record: RecordName
    ) async throws(SagaError) -> Value? {
        let fields = try await fields(of: record)
        return fields.isEmpty ? nil : try RecordFields.decode(type, from: fields, of: record)
    }

    /// The values of several hash records, in their order, in one round trip; nil for none.
    public func values<Value: Decodable>(
        _ type: Value.Type, ofAll records: [RecordName]
    ) async throws(SagaError) -> [Value?] {
        var values: [Value?] = []
        for (record, fields) in zip(records, try await fields(ofAll: records)) {
            values.append(
                fields.isEmpty ? nil : try RecordFields.decode(type, from: fields, of: record))
        }
        return values
    }
}
