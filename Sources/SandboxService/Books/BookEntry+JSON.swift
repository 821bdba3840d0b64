import JSONText
import ServiceHTTP
import Timekeeping

extension BookEntry {
    /// The entry as a client sees it.
    func write(to json: inout JSONWriter) {
        json.set("id", id)
        json.set("status", status.rawValue)
        switch request {
        case .charge(let amount, let currency, _, _):
            json.set("amount", amount)
            json.set("currency", currency)
        case .refund(let chargeKey, let reason):
            json.set("amount", refunded?.amount ?? 0)
            json.set("currency", refunded?.currency)
            json.set("chargeKey", chargeKey)
            json.set("reason", reason)
        case .shipment(let parcel):
            json.set("trackingNumber", trackingNumber)
            parcel.write(to: &json)
        case .cancellation(let shipmentKey), .dispatch(let shipmentKey):
            json.set("shipmentKey", shipmentKey)
        }
        json.set("reference", reference)
        json.set("key", key)
        json.set("createdAt", time.description)
    }

    /// The entry as one line of the file, with its line feed.
    func line() -> [UInt8] {
        JSONWriter.object { json in
            json.set("number", number)
            json.set("time", time.description)
            json.set("kind", request.kind.rawValue)
            json.set("key", key)
            json.set("status", status.rawValue)
            json.set("reference", reference)
            switch request {
            case .charge(let amount, let currency, let token, _):
                json.set("amount", amount)
                json.set("currency", currency)
                json.set("token", token.rawValue)
            case .refund(let chargeKey, let reason):
                json.set("chargeKey", chargeKey)
                json.set("reason", reason)
                json.set("amount", refunded?.amount)
                json.set("currency", refunded?.currency)
            case .shipment(let parcel): parcel.write(to: &json)
            case .cancellation(let shipmentKey), .dispatch(let shipmentKey):
                json.set("shipmentKey", shipmentKey)
            }
        } + [0x0A]
    }

    /// Reads a line of the file without its line feed; nil if it is none of ours.
    init?(line: some Sequence<UInt8>) {
        guard let json = try? StrictJSON.parse(Array(line)),
            let number = json["number"]?.integer,
            let time = json["time"]?.string.flatMap({ Timestamp($0) }),
            let kind = json["kind"]?.string.flatMap({ SandboxRequest.Kind(rawValue: $0) }),
            let key = json["key"]?.string,
            let status = json["status"]?.string.flatMap({ Status(rawValue: $0) }),
            let reference = json["reference"]?.string,
            let request = SandboxRequest(kind, json, reference: reference)
        else { return nil }
        self.init(
            number: Int(number), time: time, key: key, request: request, status: status,
            reference: reference)
        if kind == .refund, let amount = json["amount"]?.integer,
            let currency = json["currency"]?.string
        {
            refunded = Sum(amount: Int(amount), currency: currency)
        }
    }
}

extension SandboxRequest {
    fileprivate init?(_ kind: Kind, _ json: StrictJSON, reference: String) {
        switch kind {
        case .charge:
            guard let amount = json["amount"]?.integer, let currency = json["currency"]?.string,
                let token = json["token"]?.string.flatMap({ CardToken(rawValue: $0) })
            else { return nil }
            self = .charge(
                amount: Int(amount), currency: currency, token: token, reference: reference)
        case .refund:
            guard let chargeKey = json["chargeKey"]?.string, let reason = json["reason"]?.string
            else { return nil }
            self = .refund(chargeKey: chargeKey, reason: reason)
        case .shipment:
            guard let parcel = ParcelRequest(json, reference: reference) else { return nil }
            self = .shipment(parcel)
        case .cancellation, .dispatch:
            guard let shipmentKey = json["shipmentKey"]?.string else { return nil }
            self =
                kind == .dispatch
                ? .dispatch(shipmentKey: shipmentKey) : .cancellation(shipmentKey: shipmentKey)
        }
    }
}

extension ParcelRequest {
    fileprivate func write(to json: inout JSONWriter) {
        json.set("productId", productID)
        json.set("quantity", quantity)
        json.set("address") { json in
            json.set("street", address.street)
            json.set("city", address.city)
            json.set("postcode", address.postcode)
            json.set("country", address.country)
        }
    }

    fileprivate init?(_ json: StrictJSON, reference: String) {
        guard let productID = json["productId"]?.string,
            let quantity = json["quantity"]?.integer, let address = json["address"],
            let street = address["street"]?.string, let city = address["city"]?.string,
            let postcode = address["postcode"]?.string, let country = address["country"]?.string
        else { return nil }
        self.init(
            reference: reference, productID: productID, quantity: Int(quantity),
            address: Address(street: street, city: city, postcode: postcode, country: country))
    }
}
