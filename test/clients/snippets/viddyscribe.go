// ViddyScribe Enterprise, Authentication: Making Authenticated Requests, Go
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	client := &http.Client{}
	req, _ := http.NewRequest("GET",
		os.Getenv("BASE_URL")+"/enterprise/api/get_results?job_id=task_123",
		nil)
	req.Header.Add("X-API-Key", os.Getenv("VIDDYSCRIBE_API_KEY"))
	resp, _ := client.Do(req)

	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body))
}
